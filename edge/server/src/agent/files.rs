//! The files of sandboxes. Source: \[A7\]; Apache Mesos, `docs/sandbox.md`, and what a genuine agent answers.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use longshore_agent::process::Names;
use serde_json::{Value, json};

use super::front::{json_answer, text};
use super::place::Place;
use crate::pages::Pages;

/// Bytes of one read. Source: Apache Mesos, `src/files/files.cpp`: 16 pages.
const READ_BYTES_MAX: u64 = 64 * 1024;
/// Entries that are shown of a directory. Source: chosen by us: an answer of a few megabytes.
const ENTRIES_MAX: usize = 10_000;
/// Bytes that are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// What a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// `None` asks for the size alone.
    pub(super) offset: Option<u64>,
    pub(super) length: u64,
}

/// A parameter that is a number, if it is given.
fn number(given: Option<&str>, name: &str) -> Result<Option<i64>, String> {
    let Some(given) = given.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = given
        .parse()
        .map_err(|_| format!("Failed to parse {name}: Failed to convert '{given}' to number.\n"))?;
    Ok(Some(parsed))
}

impl Piece {
    /// Reads the parameters of `/files/read`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn of(offset: Option<&str>, length: Option<&str>) -> Result<Self, String> {
        let offset = number(offset, "offset")?.unwrap_or(-1);
        if offset < -1 {
            return Err(format!("Negative offset provided: {offset}.\n"));
        }
        let length = number(length, "length")?.unwrap_or(-1);
        if length < -1 {
            return Err(format!("Negative length provided: {length}.\n"));
        }
        let length = u64::try_from(length).unwrap_or(READ_BYTES_MAX).min(READ_BYTES_MAX);
        Ok(Self { offset: u64::try_from(offset).ok(), length })
    }
}

fn is_directory(place: &Place) -> bool {
    place.below.as_os_str().is_empty() || place.sandbox.folder.has_folder(&place.below)
}

/// Runs code that reads the disk.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn not_found() -> Response<Body> {
    let mut response = text(StatusCode::NOT_FOUND, "");
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// `/files/browse`: what is in a directory. `asked` is the path as it was asked for, which entries are shown below.
pub(super) async fn browse(place: Place, asked: String, jsonp: Option<&str>) -> Response<Body> {
    let listed = aside(move || {
        let Place { sandbox, below } = place;
        let root = below.as_os_str().is_empty();
        let folder = if root { sandbox.folder } else { sandbox.folder.folder(&below)? };
        folder.list(ENTRIES_MAX)
    });
    let Some(Ok(listed)) = listed.await else { return not_found() };
    let shown = aside(move || {
        let asked = asked.trim_end_matches('/');
        let (mut users, mut groups) = (Names::of_users(), Names::of_groups());
        let entries = listed.iter().map(|one| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "times in seconds have a fraction, as in Mesos"
            )]
            let seconds = one.modified_ns as f64 / 1e9;
            json!({
                "path": format!("{asked}/{}", one.name.to_string_lossy()),
                "nlink": one.links,
                "size": one.size,
                "mtime": seconds,
                "mode": one.mode_text(),
                "uid": users.of(one.uid),
                "gid": groups.of(one.gid),
            })
        });
        Value::Array(entries.collect())
    });
    json_answer(&shown.await.unwrap_or_default(), jsonp)
}

/// `/files/read`: a piece of a file.
pub(super) async fn read(place: Place, piece: Piece, jsonp: Option<&str>) -> Response<Body> {
    let read = aside(move || {
        if is_directory(&place) {
            return Ok(None);
        }
        let mut file = place.sandbox.open_file(&place.below)?;
        let size = file.metadata()?.len();
        let Some(offset) = piece.offset else { return Ok(Some((size, String::new()))) };
        let mut data = Vec::new();
        if offset < size {
            file.seek(SeekFrom::Start(offset))?;
            file.take(piece.length).read_to_end(&mut data)?;
        }
        Ok::<_, io::Error>(Some((offset, whole_letters(data))))
    });
    match read.await {
        Some(Ok(Some((offset, data)))) => {
            json_answer(&json!({"data": data, "offset": offset}), jsonp)
        }
        Some(Ok(None)) => text(StatusCode::BAD_REQUEST, "Cannot read a directory.\n"),
        _ => not_found(),
    }
}

/// Bytes as text. A letter that is cut off at the end is left for the next piece, unless nothing would be left.
fn whole_letters(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
        && error.valid_up_to() > 0
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `/files/download`: a whole file, sent as it is read.
pub(super) async fn download(place: Place, pages: &Pages) -> Response<Body> {
    let name = place.below.file_name().map(|name| name.to_string_lossy().into_owned());
    let opened = aside(move || {
        if is_directory(&place) {
            return Ok(None);
        }
        let file = place.sandbox.open_file(&place.below)?;
        let size = file.metadata()?.len();
        Ok::<_, io::Error>(Some((file, size)))
    });
    let (file, size) = match opened.await {
        Some(Ok(Some(opened))) => opened,
        Some(Ok(None)) => return text(StatusCode::BAD_REQUEST, "Cannot download a directory.\n"),
        _ => return not_found(),
    };
    let write = move |out: &mut dyn Write| send(file.take(size), out);
    let Some(body) = pages.body(write).await else { return not_found() };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    let plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\' | ';');
    let name: String =
        name.unwrap_or_default().chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename={name}")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Sends a file on in large chunks.
fn send(mut file: io::Take<File>, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => out.write_all(&buffer[..count])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_an_agent_reads_them() {
        let of = |offset, length| Piece::of(offset, length);
        assert_eq!(of(None, None), Ok(Piece { offset: None, length: READ_BYTES_MAX }));
        assert_eq!(of(Some("7"), Some("3")), Ok(Piece { offset: Some(7), length: 3 }));
        assert_eq!(
            of(Some("0"), Some("999999999")),
            Ok(Piece { offset: Some(0), length: READ_BYTES_MAX })
        );
        assert_eq!(of(Some("-1"), Some("-1")), Ok(Piece { offset: None, length: READ_BYTES_MAX }));
        assert!(of(Some("-2"), None).expect_err("it is negative").contains("Negative offset"));
        assert!(of(None, Some("-2")).expect_err("it is negative").contains("Negative length"));
        assert!(
            of(Some("x"), None).expect_err("it is no number").contains("Failed to parse offset")
        );
    }

    #[test]
    fn a_letter_that_is_cut_off_is_left_for_the_next_piece() {
        assert_eq!(whole_letters("aé".as_bytes()[..2].to_vec()), "a");
        assert_eq!(whole_letters(vec![b'a', 0xff, b'b']), "a\u{fffd}b");
        assert_eq!(whole_letters(vec![0xc3]), "\u{fffd}", "it would never go on");
    }
}
