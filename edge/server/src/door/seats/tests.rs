//! Full ports: which connections are closed, which stay, and which wait.

use super::*;

fn seats(all: usize, of_peer: usize) -> Arc<Seats> {
    Seats::new(Bounds { all, of_peer })
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Whether a connection was told to close.
async fn has_left(taken: &Taken) -> bool {
    tokio::time::timeout(Duration::ZERO, taken.seat.left()).await.is_ok()
}

/// A connection that has waited for its peer since then.
async fn since(seats: &Arc<Seats>, address: IpAddr, ms: u64) -> Taken {
    let taken = seats.take(address).await.expect("there is room, or somebody goes");
    taken.seat.since.store(ms, Ordering::Relaxed);
    taken
}

#[tokio::test]
async fn the_one_that_has_waited_longest_goes_first() {
    let seats = seats(3, 3);
    let mut held = Vec::new();
    for ms in [30, 10, 20] {
        held.push(since(&seats, LOOPBACK, ms).await);
    }
    held.push(since(&seats, LOOPBACK, 40).await);
    let mut left = Vec::new();
    for taken in &held {
        left.push(has_left(taken).await);
    }
    assert_eq!(left, [false, true, false, false]);
}

#[tokio::test]
async fn one_that_is_being_answered_never_goes_and_newcomers_wait_for_it() {
    let seats = seats(2, 2);
    let busy = seats.take(LOOPBACK).await.expect("there is room");
    let other = seats.take(LOOPBACK).await.expect("there is room");
    busy.seat.is_our_turn();
    other.seat.is_our_turn();
    let mut newcomer = std::pin::pin!(seats.take(LOOPBACK));
    let soon = tokio::time::timeout(Duration::from_millis(50), newcomer.as_mut()).await;
    assert!(soon.is_err(), "nobody could go");
    assert!(!has_left(&busy).await && !has_left(&other).await);
    drop(other);
    assert!(newcomer.await.is_some());
}

#[tokio::test]
async fn a_newcomer_need_not_wait_for_the_end_of_one_that_has_been_answered() {
    let seats = seats(1, 1);
    let kept = seats.take(LOOPBACK).await.expect("there is room");
    kept.seat.is_our_turn();
    let mut newcomer = std::pin::pin!(seats.take(LOOPBACK));
    let soon = tokio::time::timeout(Duration::from_millis(10), newcomer.as_mut()).await;
    assert!(soon.is_err(), "nobody could go");
    kept.seat.is_peers_turn();
    let taken = tokio::time::timeout(10 * LOOK_AGAIN, newcomer).await;
    assert!(taken.is_ok_and(|taken| taken.is_some()), "an idle connection keeps its place");
    assert!(has_left(&kept).await);
}

#[tokio::test]
async fn the_peer_that_has_most_makes_room_for_others() {
    let seats = seats(8, 8);
    let quiet = since(&seats, address(1), 0).await;
    let mut loud = Vec::new();
    for ms in 1..=7 {
        loud.push(since(&seats, address(2), ms).await);
    }
    let third = since(&seats, address(3), 8).await;
    assert!(!has_left(&quiet).await && !has_left(&third).await);
    assert!(has_left(&loud[0]).await && !has_left(&loud[1]).await);
}

#[tokio::test]
async fn a_peer_that_has_as_many_as_one_may_have_displaces_its_own_only() {
    let seats = seats(100, 2);
    let other = since(&seats, address(1), 0).await;
    let first = since(&seats, address(2), 1).await;
    let second = since(&seats, address(2), 2).await;
    let third = since(&seats, address(2), 3).await;
    assert!(has_left(&first).await);
    assert!(!has_left(&other).await && !has_left(&second).await && !has_left(&third).await);
    second.seat.is_our_turn();
    third.seat.is_our_turn();
    assert!(seats.take(address(2)).await.is_none(), "both are being answered");
    assert!(seats.take(address(3)).await.is_some());
}

#[tokio::test]
async fn this_machine_is_bound_by_the_port_alone() {
    let seats = seats(10, 2);
    let mut held = Vec::new();
    for last in 1..=10 {
        held.push(seats.take(IpAddr::from([127, 0, 0, last])).await.expect("there is room"));
    }
    for taken in &held {
        assert!(!has_left(taken).await);
    }
}

#[test]
fn a_network_of_ipv6_is_one_peer() {
    let of = |text: &str| Peer::of(text.parse().expect("an address"));
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    for loopback in ["::1", "127.0.0.1", "127.0.0.2", "::ffff:127.0.0.1"] {
        assert_eq!(of(loopback), Peer::LOOPBACK);
    }
}

#[tokio::test]
async fn what_ended_is_not_counted() {
    let seats = seats(2, 2);
    for _ in 0..10 {
        let first = seats.take(address(1)).await.expect("there is room");
        let second = seats.take(address(1)).await.expect("there is room");
        drop((first, second));
    }
    let table = seats.table();
    assert!(table.seats.is_empty() && table.of_peer.is_empty());
}
