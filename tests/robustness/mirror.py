"""A mirror of Fashion-MNIST on this computer, which can misbehave in many ways."""

import contextlib
import gzip
import hashlib
import http.server
import os
import socket
import socketserver
import struct
import threading
import time
from pathlib import Path

SET = "fashion_mnist"
PUBLISHED = {  # bytes, the time in the file's header, SHA-256
    "train-images-idx3-ubyte.gz": (
        26421880,
        0x59A7E9DE,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    "train-labels-idx1-ubyte.gz": (
        29515,
        0x59A7E9DE,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    "t10k-images-idx3-ubyte.gz": (
        4422102,
        0x59A7E9F3,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        5148,
        0x59A7E9F3,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}
PIECE = 1 << 16


def options(parser):
    parser.add_argument("--fashion-mnist", type=Path, help="a folder with the four files of Fashion-MNIST as published")


def files(script):
    """The files by their names; nothing, and a word about it, where they are not on this computer."""
    named = [script.options.fashion_mnist, os.environ.get("FASHION_MNIST"), "/usr/share/datasets/fashion-mnist"]
    for folder in [Path(folder) for folder in named if folder]:
        if all((folder / name).is_file() for name in PUBLISHED):
            found = {name: as_published(name, (folder / name).read_bytes()) for name in PUBLISHED}
            wrong = [name for name in PUBLISHED if hashlib.sha256(found[name]).hexdigest() != PUBLISHED[name][2]]
            if not wrong:
                return found
            script.skip("downloads to their end", f"{folder} has other files than the published ones: {', '.join(wrong)}")
            return None
    script.skip("downloads to their end", "for want of Fashion-MNIST: name a folder that has it with --fashion-mnist")
    return None


def as_published(name, content):
    """Debian's package leaves the name and the time out of the header of each file (`gzip -n`): puts them back."""
    bare = content[:2] == b"\x1f\x8b" and content[3] == 0
    if not bare:
        return content
    header = content[:3] + b"\x08" + struct.pack("<I", PUBLISHED[name][1]) + content[8:10]
    return header + name.removesuffix(".gz").encode() + b"\0" + content[10:]


def nothing():
    """Files of the right lengths, for mirrors that are not to succeed."""
    return {name: bytes(length) for name, (length, _, _) in PUBLISHED.items()}


def state(home, files):
    """Names of whole files, of wrong ones, and of what else lies in the folder of the set."""
    folder = Path(home) / "data" / SET
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    whole = [name for name in names if name in files and is_file(folder / name, files[name])]
    wrong = [name for name in names if name in files and name not in whole]
    return whole, wrong, [name for name in names if name not in files]


def is_file(path, content):
    return path.is_file() and path.read_bytes() == content


@contextlib.contextmanager
def serve(files):
    server = Server(files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.asked = []
        self.sent = 0

    def address(self, manner):
        return f"http://127.0.0.1:{self.server_address[1]}/{manner.replace(' ', '_')}/"

    def handle_error(self, request, client_address):
        """A client that goes away is no fault of the server's."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        _, manner, name = self.path.split("/", 2)
        asked = self.headers.get("Range")
        self.from_ = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.content = self.server.files.get(name, b"")
        self.server.asked.append((manner, name, self.from_))
        self.close_connection = True
        try:
            getattr(self, manner)()
        except OSError:
            pass

    def head(self, code, **headers):
        self.send_response(code)
        for key, value in ({"Connection": "close"} | headers).items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, content, pause=0.0):
        for at in range(0, len(content), PIECE):
            self.wfile.write(content[at : at + PIECE])
            self.server.sent += len(content[at : at + PIECE])
            time.sleep(pause)

    def part(self):
        """The head of an answer to a request for the rest of a file; the rest."""
        length = len(self.content)
        if self.from_:
            self.head(
                206, Content_Length=length - self.from_, Content_Range=f"bytes {self.from_}-{length - 1}/{length}"
            )
        else:
            self.head(200, Content_Length=length)
        return self.content[self.from_ :]

    # ---- manners

    def good(self):
        self.send(self.part())

    def slow(self):
        self.send(self.part(), 0.002)

    def slow_without_ranges(self):
        self.head(200, Content_Length=len(self.content))
        self.send(self.content, 0.002)

    def drops(self):
        """With ranges: each try brings a piece more."""
        self.send(self.part()[: 3 << 20])

    def drops_without_ranges(self):
        self.head(200, Content_Length=len(self.content))
        self.send(self.content[: 3 << 20])

    def drops_after_a_byte(self):
        self.send(self.part()[:1])

    def sends_nothing(self):
        self.part()

    def trickles(self):
        for byte in self.part():
            self.wfile.write(bytes([byte]))
            time.sleep(1)

    def trickles_its_head(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(200):
            self.wfile.write(b"y")
            time.sleep(1)

    def says_nothing(self):
        time.sleep(200)

    def missing(self):
        self.head(404, Content_Length=0)

    def broken(self):
        self.head(500, Content_Length=0)

    def other_content(self):
        self.content = bytes(len(self.content))
        self.send(self.part())

    def one_bit(self):
        at = len(self.content) // 2
        self.content = self.content[:at] + bytes([self.content[at] ^ 1]) + self.content[at + 1 :]
        self.send(self.part())

    def endless(self):
        self.head(200)
        while True:
            self.wfile.write(bytes(PIECE))

    def endless_chunks(self):
        self.head(200, Transfer_Encoding="chunked")
        while True:
            self.wfile.write(b"10000\r\n" + bytes(PIECE) + b"\r\n")

    def endless_head(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X: " + b"y" * 200 + b"\r\n")

    def says_more(self):
        self.head(200, Content_Length=10**18)
        self.send(self.content)

    def says_less(self):
        self.head(200, Content_Length=-5)
        self.send(self.content)

    def to_a_file(self):
        self.head(302, Location="file:///etc/passwd", Content_Length=0)

    def round_and_round(self):
        self.head(302, Location=self.path, Content_Length=0)

    def other_part(self):
        self.head(206, Content_Length=10, Content_Range=f"bytes 5-14/{len(self.content)}")
        self.wfile.write(self.content[5:15])

    def part_without_range(self):
        self.head(206, Content_Length=len(self.content))
        self.send(self.content)

    def huge_range(self):
        self.head(206, Content_Length=len(self.content), Content_Range="bytes 99999999999999999999999-1/2")
        self.send(self.content)

    def packed(self):
        content = gzip.compress(bytes(400_000_000), 1)
        self.head(200, Content_Length=len(content), Content_Encoding="gzip")
        self.send(content)

    def garbage(self):
        self.wfile.write(os.urandom(100_000))

    def resets(self):
        self.part()
        self.wfile.write(self.content[:100_000])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
