//! Ends connections on which nothing happens: clients that are gone without a word would hold their file descriptors forever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A connection that ends when it has been idle for too long.
///
/// poem has such a limit too, but with a task beside each connection that is woken by every read and write.
pub(crate) struct Idle<S> {
    stream: S,
    limit: Duration,
    active: Instant,
    check: Pin<Box<Sleep>>,
}

impl<S> Idle<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, active: Instant::now(), check: Box::pin(sleep(limit)) }
    }

    /// Notes that something happened.
    fn note<T>(&mut self, poll: Poll<T>) -> Poll<T> {
        if poll.is_ready() {
            self.active = Instant::now();
        }
        poll
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Idle<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_ready() {
            return self.note(read);
        }
        loop {
            ready!(self.check.as_mut().poll(cx));
            let end = self.active + self.limit;
            if end <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.check.as_mut().reset(end);
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Idle<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_when_nothing_happens_for_the_limit() {
        let (server, _client) = duplex(64);
        let begun = Instant::now();
        let error = Idle::new(server, LIMIT).read_u8().await.expect_err("ended");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn reads_and_writes_keep_it_alive() {
        let (server, mut client) = duplex(64);
        let mut server = Idle::new(server, LIMIT);
        let begun = Instant::now();
        for _ in 0..3 {
            tokio::time::sleep(LIMIT / 2).await;
            client.write_u8(1).await.expect("written");
            assert_eq!(server.read_u8().await.expect("read"), 1);
        }
        server.write_u8(2).await.expect("written");
        server.read_u8().await.expect_err("ended");
        assert_eq!(begun.elapsed().as_secs(), (LIMIT * 5 / 2).as_secs());
    }
}
