//! Answers that are read quickly, slowly and not at all.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn with(turns: usize, places: usize) -> Pages {
    Pages::with(Bounds { turns, places, seekers: 8 })
}

/// An answer of so many chunks.
fn of(chunks: usize) -> impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static {
    move |out| (0..chunks).try_for_each(|_| out.write_all(b"chunk"))
}

async fn whole(mut reading: Reading) -> io::Result<usize> {
    let mut chunks = 0;
    while let Some(chunk) = reading.next().await {
        chunk?;
        chunks += 1;
    }
    Ok(chunks)
}

#[tokio::test]
async fn small_answers_are_there_at_once_however_many_large_ones_nobody_reads() {
    let pages = with(2, 3);
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(pages.chunks(of(100)).await.expect("it goes on"));
    }
    let small = async { whole(pages.chunks(of(1)).await.expect("it goes on")).await };
    let small = tokio::time::timeout(Duration::from_secs(5), small).await;
    assert_eq!(small.expect("it does not wait").expect("it is whole"), 1);
    drop(unread);
}

#[tokio::test]
async fn whoever_does_not_read_gives_way_and_is_told_so() {
    let pages = with(2, 1);
    let first = pages.chunks(of(100)).await.expect("it goes on");
    tokio::time::sleep(limits::PAGE_STALL_MAX + Duration::from_millis(200)).await;
    let second = pages.chunks(of(100)).await.expect("it goes on");
    assert_eq!(whole(second).await.expect("it is read"), 100);
    let error = whole(first).await.expect_err("it is not whole");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_is_whole() {
    let pages = with(1, 1);
    let mut reading = pages.chunks(of(20)).await.expect("it goes on");
    let mut chunks = 0;
    while let Some(chunk) = reading.next().await {
        chunk.expect("it is there");
        chunks += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(chunks, 20);
}

#[tokio::test]
async fn what_cannot_be_written_to_its_end_does_not_look_whole() {
    let pages = Pages::default();
    let broken = |out: &mut dyn Write| {
        out.write_all(b"begun")?;
        Err(io::ErrorKind::InvalidData.into())
    };
    let body = pages.body(broken).await.expect("it goes on");
    assert!(axum::body::to_bytes(body, 1_000).await.is_err());
    let body = pages.body(of(0)).await.expect("it goes on");
    assert_eq!(axum::body::to_bytes(body, 1_000).await.expect("it is empty").len(), 0);
}

/// How many threads write an answer.
#[derive(Clone, Default)]
struct Writing(Arc<AtomicUsize>);

impl Writing {
    fn of(&self, chunks: usize) -> impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static {
        let Self(count) = self.clone();
        move |out| {
            count.fetch_add(1, Ordering::Relaxed);
            let written = of(chunks)(out);
            count.fetch_sub(1, Ordering::Relaxed);
            written
        }
    }
}

/// More of them than tokio has threads for work that blocks.
#[tokio::test]
async fn readers_that_do_not_read_leave_threads_for_the_rest_of_the_program() {
    let (pages, writing) = (Pages::default(), Writing::default());
    let mut unread = Vec::new();
    for _ in 0..600 {
        let reading = tokio::time::timeout(Duration::from_secs(10), pages.chunks(writing.of(100)));
        unread.push(reading.await.expect("it has a turn").expect("it goes on"));
    }
    let most = limits::PAGES_WRITTEN_MAX + limits::PAGES_WAITING_MAX + limits::PAGES_SEEKING_MAX;
    let held = writing.0.load(Ordering::Relaxed);
    assert!(held <= most, "{held} threads wait for readers");
    let other = tokio::time::timeout(Duration::from_secs(5), tokio::task::spawn_blocking(|| 7));
    assert_eq!(other.await.expect("there is a thread").expect("it ends"), 7);
    let mut refused = 0;
    for reading in unread {
        let why = whole(reading).await.err().map(|error| (error.kind(), error.to_string()));
        refused += usize::from(why == Some((io::ErrorKind::TimedOut, TOO_MANY.to_owned())));
    }
    assert!(refused > 0, "somebody was told why");
}
