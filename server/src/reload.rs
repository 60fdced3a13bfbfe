//! Reading the exchanges anew while the server runs: when it is told to, or when a file of the plugin folder changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{error, info};

use crate::config;
use crate::registry::{ExchangeSet, Registry, Stamp};
use crate::service::{Changes, Service};

/// How often the folder is looked at, and how long it must have been quiet before it is read.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps a service to what the registry gathers.
pub struct Reloader {
    registry: Arc<Mutex<Registry>>,
    service: Arc<Service>,
    watch: Option<Watch>,
}

impl Reloader {
    /// `service` serves what `registry` gathered since `watch` began.
    pub fn new(registry: Registry, service: Arc<Service>, watch: Option<Watch>) -> Self {
        Self { registry: Arc::new(Mutex::new(registry)), service, watch }
    }

    /// Reads the plugin folder and serves what it has now. Requests that are under way end on what was served before.
    ///
    /// # Errors
    /// The folder could not be read: everything goes on as before.
    pub async fn reload(&self) -> io::Result<Changes> {
        Ok(self.service.swap(self.gather().await?))
    }

    async fn gather(&self) -> io::Result<ExchangeSet> {
        let registry = Arc::clone(&self.registry);
        let gather = move || registry.lock().unwrap_or_else(PoisonError::into_inner).gather();
        spawn_blocking(gather).await.map_err(io::Error::other)?
    }

    /// Reloads whenever `told` says so or the watched folder changed, until `told` ends.
    pub async fn run(mut self, mut told: impl Stream<Item = ()> + Unpin) {
        loop {
            tokio::select! {
                told = told.next() => if told.is_none() { return },
                () = changed(self.watch.as_mut()) => {}
            }
            match self.reload().await {
                Ok(changes) => info!("the exchanges are read anew: {changes}"),
                Err(error) => error!("everything stays as it was: {error}"),
            }
        }
    }
}

async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Watches the plugin folder.
///
/// By looking at it rather than by the system's notifications: that works as well on network and container mounts and where a
/// symbolic link is swapped (as Kubernetes does), needs no thread and no library, and costs one listing of a small folder.
pub struct Watch {
    folder: PathBuf,
    seen: Stamp,
}

impl Watch {
    /// From now on, if the configuration wants it.
    pub fn begin(plugins: &config::Plugins) -> Option<Self> {
        plugins.watch.then(|| Self { folder: plugins.dir.clone(), seen: Stamp::of(&plugins.dir) })
    }

    /// Waits until the folder has changed and is quiet again: a file that is just being copied is not read in half.
    pub async fn changed(&mut self) {
        let mut last = None;
        loop {
            sleep(LOOK_EVERY).await;
            let now = look(&self.folder).await;
            if now == self.seen {
                last = None;
            } else if last.as_ref() == Some(&now) {
                self.seen = now;
                return;
            } else {
                last = Some(now);
            }
        }
    }
}

async fn look(folder: &Path) -> Stamp {
    let folder = folder.to_owned();
    // A look that failed to end shows nothing, which is then seen as a change.
    spawn_blocking(move || Stamp::of(&folder)).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_the_folder_is_quiet() {
        let folder = tempfile::tempdir().expect("a folder");
        let plugins = config::Plugins { dir: folder.path().into(), watch: true, sha256: Default::default() };
        let mut watch = Watch::begin(&plugins).expect("wanted");
        let quiet = tokio::time::timeout(LOOK_EVERY * 100, watch.changed()).await;
        assert!(quiet.is_err());
        let path = folder.path().join("x.toml");
        fs::write(&path, "half").expect("written");
        let began = Instant::now();
        watch.changed().await;
        assert_eq!(began.elapsed(), LOOK_EVERY * 2);
        fs::remove_file(&path).expect("removed");
        watch.changed().await;
    }

    #[test]
    fn nothing_is_watched_unless_it_is_wanted() {
        assert!(Watch::begin(&config::Config::default().plugins).is_none());
    }
}
