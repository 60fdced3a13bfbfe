//! Streams: the ticker of one market over a WebSocket, again and again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use poem::web::websocket::{BoxWebSocketUpgraded, CloseCode, Message, WebSocket, WebSocketConfig, WebSocketStream};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
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
        // The reader goes on while a ticker is asked for or sent: a close is noticed at once.
        let end = tokio::select! {
            end = listen(&mut reader) => end,
            () = self.send(&mut writer) => End::ClientLeft,
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

    /// Sends tickers until the client is gone. One that reads slowly makes a send wait; what was missed meanwhile is left out.
    async fn send(&self, writer: &mut Writer) {
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if writer.send(self.message().await).await.is_err() {
            return;
        }
        let mut ticks = interval_at(Instant::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let message = tokio::select! {
                _ = ticks.tick() => self.message().await,
                _ = pings.tick() => Message::Ping(Vec::new()),
            };
            if writer.send(message).await.is_err() {
                return;
            }
        }
    }

    async fn message(&self) -> Message {
        // Subscribers of one market share an upstream request by the age of its answer. The answer was made a little after the
        // last tick, so at the whole interval its age would be just under it, and every other message would repeat the last.
        let max_age = self.interval / 2;
        let text = match self.service.ticker(&self.exchange, &self.symbol, Some(max_age)).await {
            Ok(answer) => String::from_utf8(answer.body.into()).unwrap_or_default(),
            Err(error) => Problem::from(error).to_json(),
        };
        Message::Text(text)
    }
}

/// Reads, and ignores, what the client sends until it leaves. The library answers pings in passing.
async fn listen(reader: &mut Reader) -> End {
    loop {
        match timeout(SILENCE, reader.next()).await {
            Ok(Some(Ok(Message::Close(_))) | None) | Err(_) => return End::ClientLeft,
            Ok(Some(Ok(_))) => {}
            Ok(Some(Err(_))) => return End::ClientMisbehaves,
        }
    }
}
