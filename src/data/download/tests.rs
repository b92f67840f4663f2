//! Downloads from a server on this machine that does all that servers do wrong.
//!
//! Long, as the server that the tests talk to stands here too.
use super::*;
use crate::data::published::Published;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{
    io::{BufRead as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
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
    /// Begins at the beginning whatever is asked for, and hangs up after 3,000 bytes.
    CutsShortFromTheStart,
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
    let thread = std::thread::Builder::new().name("server".into());
    let serve = move || {
        for connection in listener.incoming() {
            asked.fetch_add(1, Ordering::SeqCst);
            // A client that goes away is no fault of the server's.
            let _gone = answer(connection.unwrap(), manner, &content);
        }
    };
    thread.spawn(serve).unwrap();
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
        Manner::CutsShortFromTheStart => {
            head("200 OK", &format!("Content-Length: {length}"))?;
            connection.write_all(&content[..3000])?;
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
    published_as(&["images.gz"], content, members)
}

/// A set of files that are alike.
fn published_as(
    names: &[&'static str],
    content: &[u8],
    members: &'static [&'static str],
) -> &'static Published {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let sha256: &'static str = hash.leak();
    let file = |name: &&'static str| PublishedFile { name, bytes: content.len() as u64, sha256 };
    let files: Vec<PublishedFile> = names.iter().map(file).collect();
    Box::leak(Box::new(Published {
        shape: crate::shape::ImageShape { height: 1, width: 1, channels: 1 },
        class_names: &["a", "b"],
        files: files.leak(),
        mirrors: &[],
        members,
        installed: &[],
    }))
}

/// As usual, but without a pause.
fn limits() -> Limits {
    Limits { first_pause: Duration::ZERO, ..Limits::default() }
}

fn fetch(published: &'static Published, folder: &Path, mirrors: &[Mirror]) -> Result<Vec<Activity>, String> {
    fetch_within(limits(), published, folder, mirrors)
}

/// Fetches to the end: all that the download was about.
fn fetch_within(
    limits: Limits,
    published: &'static Published,
    folder: &Path,
    mirrors: &[Mirror],
) -> Result<Vec<Activity>, String> {
    let mut download = Download::new(published, folder.into(), mirrors.to_vec(), limits).unwrap();
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
        assert!(error.contains("--path FOLDER") && error.contains("--mirror URL"), "{error}");
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
        (Manner::Proper, damaged.clone(), 2),
        (Manner::Whole, damaged, 1),
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
    let mut first = Download::new(published, folder.path().into(), vec![mirror.clone()], limits()).unwrap();
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
        zip.write_all(&gzip(text)).unwrap();
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
    assert_eq!(fs::read(home.path().join("two.gz")).unwrap(), gzip("22"));
    assert_eq!(published.find("", home.path()), Some(home.path().join("")));
    // What was taken out is there for good, and what is damaged is taken out again.
    let nowhere = [Mirror::Local(stick.path().join("nowhere"))];
    assert_eq!(fetch(published, home.path(), &nowhere).unwrap().last(), Some(&Activity::Done));
    fs::write(home.path().join("two.gz"), &gzip("22")[..9]).unwrap();
    fetch(published, home.path(), &nowhere).unwrap_err();
    fetch(published, home.path(), &[Mirror::Local(stick.path().join("emnist.zip"))]).unwrap();
    assert_eq!(files(home.path()), ["one.gz", "two.gz"]);
    assert_eq!(fs::read(home.path().join("two.gz")).unwrap(), gzip("22"));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(vec![], Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn a_mirror_is_given_up_after_tries_in_a_row_that_bring_nothing_new() {
    let content = content();
    let published = published(&content, &[]);
    // 3,000 bytes a try are progress, but not the same 3,000.
    let limits = Limits { tries: 2, progress: 2000, ..limits() };
    let folder = tempfile::tempdir().unwrap();
    let (bad, asked) = serve(Manner::CutsShortFromTheStart, content.clone());
    let error = fetch_within(limits, published, folder.path(), &[bad]).unwrap_err();
    assert!(error.contains("breaks off") && error.contains("2 times in a row"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    // What has come is kept, and is not lost to a mirror that begins again.
    assert_eq!(fs::read(folder.path().join("images.gz.partial")).unwrap(), content[..3000]);
    fs::write(folder.path().join("images.gz.partial"), &content[..9000]).unwrap();
    let (bad, asked) = serve(Manner::CutsShortFromTheStart, content.clone());
    fetch_within(limits, published, folder.path(), &[bad]).unwrap_err();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(fs::read(folder.path().join("images.gz.partial")).unwrap(), content[..9000]);

    let folder = tempfile::tempdir().unwrap();
    let (slow, asked) = serve(Manner::CutsShort, content.clone());
    fetch_within(limits, published, folder.path(), &[slow]).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[test]
fn a_mirror_that_trickles_is_given_up() {
    let content = content();
    let published = published(&content, &[]);
    let folder = tempfile::tempdir().unwrap();
    let (mirror, asked) = serve(Manner::Slow, content);
    let limits = Limits { window: Duration::ZERO, ..limits() };
    let error = fetch_within(limits, published, folder.path(), &[mirror]).unwrap_err();
    assert!(error.contains("sends less than 30 KiB in 0 seconds, 5 times in a row"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

#[test]
fn a_pause_can_be_left_at_any_time() {
    let content = content();
    let folder = tempfile::tempdir().unwrap();
    let (mirror, asked) = serve(Manner::CutsShort, content.clone());
    let limits =
        Limits { first_pause: Duration::from_hours(1), longest_pause: Duration::from_hours(1), ..limits() };
    let published = published(&content, &[]);
    let mut download = Download::new(published, folder.path().into(), vec![mirror], limits).unwrap();
    let pausing = Activity::Pausing { fruitless: 1, of: 5 };
    while download.advance(Duration::from_millis(10)).unwrap().activity != pausing {}
    let progress = download.advance(Duration::ZERO).unwrap();
    assert_eq!((progress.activity, progress.bytes_done), (pausing, 3000));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn what_is_there_is_checked_and_only_what_is_damaged_is_fetched_again() {
    let content = content();
    let published = published_as(&["a.gz", "b.gz"], &content, &[]);
    let rotten: Vec<u8> = content.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 5000)).collect();
    let cases = [(content.clone(), 0), (vec![], 1), (content[..4000].to_vec(), 1), (rotten, 1)];
    for (there, requests) in cases {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.gz", "b.gz"].map(|name| folder.path().join(name));
        fs::write(&a, there).unwrap();
        fs::write(&b, &content).unwrap();
        let (mirror, asked) = serve(Manner::Proper, content.clone());
        let seen = fetch(published, folder.path(), &[mirror]).unwrap();
        assert!(seen.contains(&Activity::Checking));
        assert_eq!([a, b].map(|path| fs::read(path).unwrap()), [content.clone(), content.clone()]);
        assert_eq!(files(folder.path()), ["a.gz", "b.gz"]);
        assert_eq!(asked.load(Ordering::SeqCst), requests);
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_file_on_its_way_is_not_written_through() {
    let content = content();
    let published = published(&content, &[]);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("precious");
    fs::write(&target, "mine").unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join("images.gz.partial")).unwrap();
    let (mirror, asked) = serve(Manner::Proper, content);
    let error = fetch(published, folder.path(), &[mirror]).unwrap_err();
    assert!(error.contains("link"), "{error}");
    assert_eq!((fs::read(&target).unwrap(), asked.load(Ordering::SeqCst)), (b"mine".to_vec(), 0));
}
