//! A minimal HTTP/1.1 client over one kept-alive connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use longshore_wire_ecs::operation::TARGET_PREFIX;
use serde_json::Value;

/// One connection to the ECS API.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    pub(crate) fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::with_capacity(256 * 1024, stream), host: host.to_owned() })
    }

    /// A request of the ECS API, prepared for sending many times.
    pub(crate) fn prepare(&self, operation: &str, body: &str) -> Vec<u8> {
        self.prepare_for(&format!("{TARGET_PREFIX}{operation}"), body)
    }

    /// A request of any service that is selected by its target.
    pub(crate) fn prepare_for(&self, target: &str, body: &str) -> Vec<u8> {
        format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: \
             {target}\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )
        .into_bytes()
    }

    /// Asks for something by method and path, with a body of JSON if it is not empty; the answer must be a success.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.send(request.as_bytes()).with_context(|| format!("{method} {path}"))
    }

    /// As [`Self::ask`], and reads the answer.
    pub(crate) fn read(&mut self, path: &str) -> Result<Value> {
        Ok(serde_json::from_slice(&self.ask("GET", path, "")?)?)
    }

    /// Sends a prepared request and reads the whole response, which must be a success.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.reader.get_mut().write_all(request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let ok = line.starts_with("HTTP/1.1 2");
        let status = line.clone();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().context("a length")?;
            }
            is_chunked |= line.to_ascii_lowercase().starts_with("transfer-encoding: chunked");
        }
        let mut body = vec![0; length];
        if is_chunked {
            self.chunks(&mut body)?;
        } else {
            self.reader.read_exact(&mut body)?;
        }
        if !ok {
            bail!("{}: {}", status.trim(), String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    /// Reads a body whose length is told piece by piece.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).context("the length of a chunk")?;
            let from = body.len();
            body.resize(from + length + 2, 0);
            self.reader.read_exact(&mut body[from..])?;
            body.truncate(from + length);
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// Calls an ECS operation and reads its response.
    pub(crate) fn call(&mut self, operation: &str, body: &str) -> Result<Value> {
        let request = self.prepare(operation, body);
        Ok(serde_json::from_slice(&self.send(&request)?)?)
    }

    /// Calls an operation of any service, whose response may be empty.
    pub(crate) fn call_for(&mut self, target: &str, body: &Value) -> Result<Value> {
        let request = self.prepare_for(target, &body.to_string());
        let answer = self.send(&request)?;
        if answer.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&answer)?) }
    }
}
