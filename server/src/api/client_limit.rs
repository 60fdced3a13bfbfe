//! How much one client may ask, when `server.client_rate_limit` says so.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use marketd_core::{Budget, Code, Error, Result};
use poem::Addr;
use poem::web::RemoteAddr;

/// How many clients are told apart. Beyond that those who have been quiet are forgotten, and then everyone.
const MOST_CLIENTS: usize = 100_000;

/// A limit for each client, known by the address of its connection: headers such as `X-Forwarded-For` can be made up.
pub(super) struct ClientLimit {
    budget: Budget,
    quota: Quota,
    clock: DefaultClock,
    clients: RwLock<DefaultKeyedRateLimiter<IpAddr>>,
}

impl ClientLimit {
    pub(super) fn new(budget: Budget) -> Self {
        let weight = NonZeroU32::new(budget.weight).unwrap_or(NonZeroU32::MIN);
        let one = (budget.per / weight.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(one).unwrap_or(Quota::per_second(weight)).allow_burst(weight);
        Self { budget, quota, clock: DefaultClock::default(), clients: RwLock::new(RateLimiter::keyed(quota)) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// `RateLimited`, with how long to wait.
    pub(super) fn check(&self, client: &RemoteAddr) -> Result<()> {
        let Addr::SocketAddr(address) = client.0 else { return Ok(()) };
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let checked = clients.check_key(&key(address.ip()));
        let crowded = clients.len() > MOST_CLIENTS;
        drop(clients);
        if crowded {
            self.forget();
        }
        checked.map_err(|until| {
            let limit = String::from(self.budget);
            Error::new(Code::RateLimited, format!("this server answers {limit} to one client"))
                .with_retry_after(until.wait_time_from(self.clock.now()))
        })
    }

    fn forget(&self) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.retain_recent();
        if clients.len() > MOST_CLIENTS / 2 {
            *clients = RateLimiter::keyed(self.quota);
        }
    }
}

/// One client: an IPv4 address, or the /64 network that one IPv6 subscriber has.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> RemoteAddr {
        RemoteAddr(Addr::SocketAddr(format!("{address}:1").parse().expect("an address")))
    }

    #[test]
    fn each_client_has_its_own_limit() {
        let limit = ClientLimit::new("2/h".parse().expect("a budget"));
        assert!(limit.check(&from("10.0.0.1")).is_ok());
        assert!(limit.check(&from("10.0.0.1")).is_ok());
        let error = limit.check(&from("10.0.0.1")).expect_err("limited");
        assert_eq!(error.code(), Code::RateLimited);
        assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(60)));
        assert!(limit.check(&from("10.0.0.2")).is_ok());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_client() {
        let limit = ClientLimit::new("1/h".parse().expect("a budget"));
        assert!(limit.check(&from("[2001:db8::1]")).is_ok());
        assert!(limit.check(&from("[2001:db8::2]")).is_err());
        assert!(limit.check(&from("[2001:db8:0:1::1]")).is_ok());
    }

    #[test]
    fn the_number_of_clients_that_are_remembered_is_bounded() {
        let limit = ClientLimit::new("1/h".parse().expect("a budget"));
        for bits in 0..=MOST_CLIENTS as u32 {
            let address = IpAddr::V4(bits.into());
            let _ = limit.check(&RemoteAddr(Addr::SocketAddr((address, 1).into())));
        }
        assert!(limit.clients.read().expect("a lock").len() <= MOST_CLIENTS);
    }
}
