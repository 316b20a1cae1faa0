//! HTTP over plain sockets: one request per connection, and streams that are read chunk by chunk.
//!
//! There is no client library in between, so a test can also send what no library would.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Timeout of a reply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A complete reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The head and the body of a POST.
fn posted(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}

/// Sends a POST and returns the connection without reading from it.
pub(crate) fn send(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(&posted(address, path, headers, body))?;
    Ok(socket)
}

/// Sends a POST on its own connection.
pub(crate) fn post(
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Reply> {
    let headers = [headers, &[("Connection", "close")]].concat();
    whole(send(address, path, &headers, body)?)
}

/// Sends raw bytes, which end with the request.
pub(crate) fn raw(address: &str, request: &[u8]) -> io::Result<Reply> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(request)?;
    whole(socket)
}

/// Sends a GET on its own connection.
pub(crate) fn get(address: &str, path: &str) -> io::Result<Reply> {
    raw(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )
}

/// Reads a reply to its end.
fn whole(socket: TcpStream) -> io::Result<Reply> {
    let mut reader = BufReader::new(socket);
    let (status, headers) = head(&mut reader)?;
    if header(&headers, "transfer-encoding") == Some("chunked") {
        let body = chunks(&mut reader)?;
        return Ok(Reply { status, headers, body });
    }
    let length =
        header(&headers, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Reply { status, headers, body })
}

/// All chunks of a body.
fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

pub(crate) type Headers = Vec<(String, String)>;

fn header<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn head(reader: &mut impl BufRead) -> io::Result<(u16, Headers)> {
    let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, "the reply broke off");
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let mut headers = Headers::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some(text) = line.strip_suffix("\r\n") else {
            return Err(broken());
        };
        let Some((name, value)) = text.split_once(':') else {
            return Ok((status, headers));
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// An endless reply, of which the head has been read.
#[derive(Debug)]
pub(crate) struct Stream {
    reader: BufReader<TcpStream>,
    /// The `Mesos-Stream-Id` that it came with, if any.
    pub(crate) id: String,
    rest: Vec<u8>,
}

impl Stream {
    /// Sends a POST and opens the response stream; returns the status of any other answer.
    pub(crate) fn open(
        address: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Self, u16> {
        let socket = send(address, path, headers, body).expect("the port is listened on");
        let mut reader = BufReader::new(socket);
        let (status, headers) = head(&mut reader).expect("a reply has a head");
        if status != 200 {
            return Err(status);
        }
        assert_eq!(header(&headers, "transfer-encoding"), Some("chunked"), "{headers:?}");
        let id = header(&headers, "mesos-stream-id").unwrap_or_default().to_owned();
        // Heartbeats come every few seconds; a longer silence is an end.
        Ok(Self { reader, id, rest: Vec::new() })
    }

    /// Sends a GET and opens the response stream; returns any other answer whole.
    pub(crate) fn get(address: &str, path: &str) -> Result<Self, Reply> {
        Self::head(address, path).map(|(stream, _)| stream)
    }

    /// Like [`Self::get`], with the headers.
    pub(crate) fn head(address: &str, path: &str) -> Result<(Self, Headers), Reply> {
        let mut socket = TcpStream::connect(address).expect("the port is listened on");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("a request can be sent");
        let mut reader = BufReader::new(socket);
        let (status, headers) = head(&mut reader).expect("a reply has a head");
        if header(&headers, "transfer-encoding") == Some("chunked") {
            return Ok((Self { reader, id: String::new(), rest: Vec::new() }, headers));
        }
        let length = header(&headers, "content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).expect("a reply has a body");
        Err(Reply { status, headers, body })
    }

    /// A handle that can close the connection while it is being read.
    pub(crate) fn socket(&self) -> TcpStream {
        self.reader.get_ref().try_clone().expect("there are file descriptors left")
    }

    /// The next `RecordIO` record; `None` once the stream has ended in any way.
    pub(crate) fn record(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let length: usize = std::str::from_utf8(&self.rest[..end]).ok()?.parse().ok()?;
                let whole = end + 1 + length;
                if self.rest.len() >= whole {
                    let record = self.rest[end + 1..whole].to_vec();
                    self.rest.drain(..whole);
                    return Some(record);
                }
            }
            let chunk = self.chunk()?;
            self.rest.extend_from_slice(&chunk);
        }
    }

    /// The next chunk; `None` once the stream has ended in any way.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.reader.read_line(&mut line).ok()?;
        let length =
            usize::from_str_radix(line.trim_end(), 16).ok().filter(|length| *length > 0)?;
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).ok()?;
        chunk.truncate(length);
        Some(chunk)
    }
}
