//! Messages on their way out: bounded, and nothing lost that counts.

use fovea::engine::{MAX_BULKY, Message, MessageQueue};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, PartialEq)]
enum News {
    Progress(u32),
    Points(Vec<u32>),
    Picture(u32),
    Ended(u32),
}

impl Message for News {
    type Key = (u8, u32);

    fn key(&self) -> Option<(u8, u32)> {
        match self {
            News::Progress(_) => Some((0, 0)),
            News::Points(_) => Some((1, 0)),
            News::Picture(z) => Some((2, *z)),
            News::Ended(_) => None,
        }
    }

    fn absorb(&mut self, older: Self) {
        if let (News::Points(new), News::Points(mut all)) = (self, older) {
            all.append(new);
            *new = all;
        }
    }

    fn is_bulky(&self) -> bool {
        matches!(self, News::Picture(_))
    }
}

#[test]
fn an_undrained_outbox_stays_bounded_and_loses_nothing_that_counts() {
    let woken = Arc::new(Mutex::new(0));
    let count = Arc::clone(&woken);
    let queue = MessageQueue::new(Arc::new(move || *count.lock().unwrap() += 1));
    for i in 0..10_000 {
        queue.post(News::Progress(i));
        queue.post(News::Points(vec![i]));
        queue.post(News::Picture(i));
        if i % 1000 == 0 {
            queue.post(News::Ended(i));
        }
    }
    assert_eq!(*woken.lock().unwrap(), 30_010);
    assert_eq!(queue.len(), 2 + MAX_BULKY + 10);
    let all = queue.drain();
    let ended: Vec<_> = all.iter().filter(|n| matches!(n, News::Ended(_))).collect();
    assert_eq!(ended.len(), 10, "what ends a job is delivered, drained late or not");
    assert!(all.contains(&News::Progress(9999)));
    assert!(all.contains(&News::Points((0..10_000).collect())), "every point of a curve arrives, in order");
    let pictures = all.iter().filter_map(|n| if let News::Picture(z) = n { Some(*z) } else { None });
    assert!(pictures.eq(10_000 - MAX_BULKY as u32..10_000), "the newest pictures stay");
    assert!(queue.is_empty());
}

#[test]
fn waiting_for_messages_ends_with_the_first_of_them() {
    let queue = Arc::new(MessageQueue::new(Arc::new(|| {})));
    assert!(queue.wait(Duration::from_millis(1)).is_empty());
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| queue.wait(Duration::from_secs(60)));
        queue.post(News::Ended(1));
        assert_eq!(reader.join().unwrap(), [News::Ended(1)]);
    });
}
