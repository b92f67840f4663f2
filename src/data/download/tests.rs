use super::*;
use std::{
    io::BufRead as _,
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread::sleep,
};

/// How the server on the loopback answers.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Proper,
    /// Sends all of a file, whatever is asked for.
    Whole,
    /// Hangs up after 3,000 bytes each time.
    CutsShort,
    /// Hangs up at once, having sent nothing.
    HangsUp,
    WrongBytes,
    Missing,
    /// Sends a file bit by bit.
    Slow,
    /// Sends it from its other door.
    Redirects,
    LongerThanTold,
    ShorterThanTold,
    Endless,
    OtherPart,
}

/// A server with one file under any name; counts what it is asked.
fn serve(manner: Manner, content: Vec<u8>) -> (Mirror, &'static AtomicUsize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            asked.fetch_add(1, Ordering::SeqCst);
            // A client that goes away is no fault of the server's.
            let _gone = answer(connection.unwrap(), manner, &content);
        }
    });
    (Mirror::address(&address).unwrap(), asked)
}

fn answer(mut connection: TcpStream, manner: Manner, content: &[u8]) -> io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let request = lines.next().unwrap()?;
    let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let from = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let from = value.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
        name.eq_ignore_ascii_case("range").then_some(from)
    });
    let from: usize = from.unwrap_or_default();
    let length = content.len();
    let mut head = |status: &str, more: &str| {
        write!(connection, "HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n\r\n")
    };
    let part = |from: usize, length: usize| {
        let told = format!("Content-Length: {}", length - from);
        match from {
            0 => ("200 OK", told),
            _ => (
                "206 Partial Content",
                format!("{told}\r\nContent-Range: bytes {from}-{}/{length}", length - 1),
            ),
        }
    };
    let (status, more) = part(from, length);
    match manner {
        Manner::HangsUp => {}
        Manner::Missing => head("404 Not Found", "Content-Length: 0")?,
        Manner::Redirects if !request.contains("/door/") => head("302 Found", "Location: /door/file")?,
        Manner::LongerThanTold | Manner::ShorterThanTold => {
            let told = if manner == Manner::LongerThanTold { length - 7 } else { length + 7 };
            head("200 OK", &format!("Content-Length: {told}"))?;
            connection.write_all(content)?;
        }
        Manner::Endless => {
            head("200 OK", "Content-Type: text/plain")?;
            while connection.write_all(&[7; 4096]).is_ok() {}
        }
        Manner::Whole => {
            head("200 OK", &format!("Content-Length: {length}"))?;
            connection.write_all(content)?;
        }
        Manner::OtherPart => {
            let (status, more) = part(from.max(2) / 2, length);
            head(status, &more)?;
            connection.write_all(&content[from.max(2) / 2..])?;
        }
        _ => {
            head(status, &more)?;
            let mut body = content[from..].to_vec();
            match manner {
                Manner::CutsShort => body.truncate(3000),
                Manner::WrongBytes => body[0] ^= 1,
                _ => {}
            }
            for piece in body.chunks(if manner == Manner::Slow { 2500 } else { usize::MAX }) {
                connection.write_all(piece)?;
                if manner == Manner::Slow {
                    sleep(Duration::from_millis(120));
                }
            }
        }
    }
    Ok(())
}

fn content() -> Vec<u8> {
    (0..10_000u32).map(|index| (index * index / 7) as u8).collect()
}

/// A set of one file, and what it is made of if it is an archive.
fn published(content: &[u8], members: &'static [&'static str]) -> &'static Published {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = PublishedFile { name: "images.gz", bytes: content.len() as u64, sha256: hash.leak() };
    Box::leak(Box::new(Published {
        shape: crate::data::ImageShape { height: 1, width: 1, channels: 1 },
        class_names: &["a", "b"],
        files: Box::leak(Box::new([file])),
        mirrors: &[],
        members,
        installed: &[],
    }))
}

/// Fetches to the end; the greatest share of it that was ever said to be done, and the end.
fn fetch(published: &'static Published, folder: &Path, mirrors: &[Mirror]) -> Result<Vec<Activity>, String> {
    let mut download = Download::new(published, folder.into(), mirrors.to_vec()).unwrap();
    let mut seen = vec![];
    let mut done = 0;
    loop {
        let progress = download.advance(Duration::from_millis(100)).map_err(|error| format!("{error:#}"))?;
        assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
        done = done.max(progress.bytes_done);
        if seen.last() != Some(&progress.activity) {
            seen.push(progress.activity);
        }
        if progress.activity == Activity::Done {
            assert_eq!(done, progress.bytes_total);
            return Ok(seen);
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_arrives_from_every_server_that_can_give_it() {
    let content = content();
    let published = published(&content, &[]);
    for manner in [Manner::Proper, Manner::Whole, Manner::CutsShort, Manner::Slow, Manner::Redirects] {
        let folder = tempfile::tempdir().unwrap();
        let (mirror, asked) = serve(manner, content.clone());
        let seen = fetch(published, folder.path(), &[mirror]).unwrap();
        assert_eq!(fs::read(folder.path().join("images.gz")).unwrap(), content);
        assert_eq!(files(folder.path()), ["images.gz"]);
        assert!(seen.contains(&Activity::Receiving) && seen.contains(&Activity::Checking));
        let requests = match manner {
            Manner::CutsShort => 4,
            Manner::Redirects => 2,
            _ => 1,
        };
        assert_eq!(asked.load(Ordering::SeqCst), requests);
        assert_eq!(published.find("set", folder.path()), None);
        assert_eq!(published.find(".", folder.path()), Some(folder.path().join("./images.gz")));
    }
}

#[test]
fn a_server_that_cannot_give_it_is_told_of_and_the_next_is_asked() {
    let content = content();
    let published = published(&content, &[]);
    let cases = [
        (Manner::HangsUp, ""),
        (Manner::Missing, "404"),
        (Manner::WrongBytes, "not the published one"),
        (Manner::LongerThanTold, "9993 bytes instead of 10000"),
        (Manner::ShorterThanTold, "10007 bytes instead of 10000"),
        (Manner::Endless, "more than the 10000 bytes"),
        (Manner::OtherPart, "another part"),
    ];
    let (good, _) = serve(Manner::Proper, content.clone());
    for (manner, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (bad, _) = serve(manner, content.clone());
        let error = fetch(published, folder.path(), std::slice::from_ref(&bad)).unwrap_err();
        assert!(error.contains(message) && error.contains(&bad.to_string()), "{error}");
        assert!(error.contains("dataset.path"), "{error}");
        assert_eq!(files(folder.path()), ["images.gz.partial"]);
        fetch(published, folder.path(), &[bad, good.clone()]).unwrap();
        assert_eq!(fs::read(folder.path().join("images.gz")).unwrap(), content);
    }
    let nobody = Mirror::address("http://127.0.0.1:9").unwrap();
    let folder = tempfile::tempdir().unwrap();
    fetch(published, folder.path(), &[nobody, good]).unwrap();
    assert!(Mirror::address("ftp://somewhere").is_err());
}

#[test]
fn a_download_goes_on_where_it_was_cut_off_and_starts_anew_where_that_was_damaged() {
    let content = content();
    let published = published(&content, &[]);
    let damaged = [&[9; 4000][..], &[]].concat();
    let too_long = vec![9; 20_000];
    let cases = [
        (Manner::Proper, content[..4000].to_vec(), 1),
        (Manner::Whole, content[..4000].to_vec(), 1),
        (Manner::Proper, content.clone(), 0),
        (Manner::Proper, too_long, 1),
        (Manner::Proper, damaged, 2),
    ];
    for (manner, there, requests) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("images.gz.partial"), there).unwrap();
        let (mirror, asked) = serve(manner, content.clone());
        fetch(published, folder.path(), &[mirror]).unwrap();
        assert_eq!(fs::read(folder.path().join("images.gz")).unwrap(), content);
        assert_eq!(asked.load(Ordering::SeqCst), requests);
    }
}

#[test]
fn two_programs_do_not_write_the_same_file() {
    let content = content();
    let published = published(&content, &[]);
    let folder = tempfile::tempdir().unwrap();
    let (mirror, _) = serve(Manner::Slow, content);
    let mut first = Download::new(published, folder.path().into(), vec![mirror.clone()]).unwrap();
    first.advance(Duration::ZERO).unwrap();
    let error = fetch(published, folder.path(), std::slice::from_ref(&mirror)).unwrap_err();
    assert!(error.contains("Another Headstart"), "{error}");
    drop(first);
    fetch(published, folder.path(), &[mirror]).unwrap();
}

#[test]
fn a_local_copy_is_checked_too_and_only_what_is_wanted_is_taken_out_of_an_archive() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(vec![]));
    for (name, text) in [("in/one.gz", "1"), ("in/other.gz", "?"), ("in/two.gz", "22"), ("../out.gz", "!")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    let published = published(&zip, &["in/one.gz", "in/two.gz"]);
    let (home, stick) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let error = fetch(published, home.path(), &[Mirror::Local(stick.path().into())]).unwrap_err();
    assert!(error.contains("no images.gz"), "{error}");
    let named_otherwise = stick.path().join("emnist.zip");
    fs::write(&named_otherwise, &zip).unwrap();
    let seen = fetch(published, home.path(), &[Mirror::Local(named_otherwise)]).unwrap();
    assert!(seen.contains(&Activity::Unpacking));
    assert_eq!(files(home.path()), ["one.gz", "two.gz"]);
    assert_eq!(fs::read(home.path().join("two.gz")).unwrap(), b"22");
    assert_eq!(published.find("", home.path()), Some(home.path().join("")));
}
