//! Streams: the ticker of one market over a WebSocket, again and again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use poem::web::websocket::{BoxWebSocketUpgraded, CloseCode, Message, WebSocket, WebSocketConfig, WebSocketStream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::problem::Problem;
use crate::service::Service;

/// Clients have nothing to say; more than this at once closes the stream.
const LARGEST_MESSAGE: usize = 64 * 1_024;

/// How often a client is asked whether it is still there, which also keeps proxies from closing a quiet stream.
const PING_EVERY: Duration = Duration::from_secs(30);

/// A client that has not answered for so long is gone.
const SILENCE: Duration = Duration::from_secs(120);

/// The least time that a client has to answer the ping after a ticker before it gets the next one anyway.
const PATIENCE_LEAST: Duration = Duration::from_secs(2);

/// How long a close may take to reach a client that does not read.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// All streams of the server, to end them together.
#[derive(Clone, Default)]
pub(crate) struct Streams {
    ending: CancellationToken,
    tasks: TaskTracker,
}

/// What a stream sends.
pub(crate) struct TickerStream {
    pub(crate) service: Arc<Service>,
    pub(crate) exchange: String,
    pub(crate) symbol: String,
    pub(crate) interval: Duration,
}

/// Why a stream ends.
enum End {
    ClientLeft,
    ClientMisbehaves,
    ServerStops,
}

type Reader = SplitStream<WebSocketStream>;
type Writer = SplitSink<WebSocketStream, Message>;

impl Streams {
    /// Makes a stream of an upgraded request.
    pub(crate) fn serve(&self, socket: WebSocket, stream: TickerStream) -> BoxWebSocketUpgraded {
        let config = WebSocketConfig::default()
            // The default of 128 KiB for each stream is made for clients with something to say.
            .read_buffer_size(4 * 1_024)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let (ending, tasks) = (self.ending.clone(), self.tasks.clone());
        socket.config(config).on_upgrade(move |socket| tasks.track_future(stream.run(socket, ending)).boxed()).boxed()
    }

    /// Tells every stream to end.
    pub(crate) fn end(&self) {
        self.ending.cancel();
        self.tasks.close();
    }

    /// Waits until every stream has ended.
    pub(crate) async fn ended(&self) {
        self.tasks.wait().await;
    }
}

impl TickerStream {
    async fn run(self, socket: WebSocketStream, ending: CancellationToken) {
        let (mut writer, mut reader) = socket.split();
        let (read, read_so_far) = watch::channel(0);
        // The reader goes on while a ticker is asked for or sent: a close is noticed at once.
        let end = tokio::select! {
            end = listen(&mut reader, &read) => end,
            () = self.send(&mut writer, read_so_far) => End::ClientLeft,
            () = ending.cancelled() => End::ServerStops,
        };
        let close = match end {
            // The library has its answer to the client's close ready: it is only to be flushed.
            End::ClientLeft => None,
            End::ClientMisbehaves => Some(Message::close_with(CloseCode::Policy, "only small messages are read here")),
            End::ServerStops => Some(Message::close_with(CloseCode::Away, "the server stops")),
        };
        // All of it fails when the client is gone, which is as well.
        let farewell = async {
            if let Some(close) = close {
                let _ = writer.send(close).await;
            }
            let _ = writer.flush().await;
            // Until the client has closed too: a connection that is dropped with unread data resets what was sent.
            while let Some(Ok(_)) = reader.next().await {}
        };
        let _ = timeout(CLOSE_WITHIN, farewell).await;
    }

    /// Sends tickers until the client is gone.
    ///
    /// A client that reads slowly must not get a queue of old tickers, and the buffers of two systems between here and there
    /// would hold thousands. So a numbered ping follows each ticker, and the next one waits for its pong: that the client has
    /// read so far. What was missed meanwhile is left out.
    async fn send(&self, writer: &mut Writer, mut read: watch::Receiver<u64>) {
        let patience = (self.interval * 4).max(PATIENCE_LEAST);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sent = 0_u64;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = pings.tick() => {
                    if writer.send(ping(sent)).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
            let message = self.message().await;
            sent += 1;
            if writer.feed(message).await.is_err() || writer.send(ping(sent)).await.is_err() {
                return;
            }
            if sent == 1 {
                // The first may have had to wait for the market list.
                ticks.reset();
            }
            // Some clients never answer pings; they get their tickers late rather than not at all.
            let _ = timeout(patience, read.wait_for(|read| *read >= sent)).await;
        }
    }

    async fn message(&self) -> Message {
        // Subscribers of one market share an upstream request by the age of its answer, whatever their phases. The answer was
        // made a little after the last tick, so at the whole interval its age would be just under it, and every other message
        // would repeat the last; a fifth leaves time for the exchange to answer.
        let max_age = self.interval * 4 / 5;
        let text = match self.service.ticker(&self.exchange, &self.symbol, Some(max_age)).await {
            Ok(answer) => String::from_utf8(answer.body.into()).unwrap_or_default(),
            Err(error) => Problem::from(error).to_json(),
        };
        Message::Text(text)
    }
}

/// A ping that asks whether the client has read the ticker of that number.
fn ping(number: u64) -> Message {
    Message::Ping(number.to_be_bytes().into())
}

/// Reads what the client sends until it leaves, and ignores all but how far it says it has read. The library answers pings in
/// passing.
async fn listen(reader: &mut Reader, read: &watch::Sender<u64>) -> End {
    loop {
        match timeout(SILENCE, reader.next()).await {
            Ok(Some(Ok(Message::Close(_))) | None) | Err(_) => return End::ClientLeft,
            Ok(Some(Ok(Message::Pong(number)))) => {
                if let Ok(number) = number.try_into() {
                    read.send_replace(u64::from_be_bytes(number));
                }
            }
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(_))) => return End::ClientMisbehaves,
        }
    }
}
