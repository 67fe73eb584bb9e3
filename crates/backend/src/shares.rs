//! Shares: of what there is a limited number of, nobody gets more than so many.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Who has how many. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    most: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

impl Shares {
    /// At most so many each.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// One more for `who`, until it is dropped; `None`: they have as many as they may have.
    pub(crate) fn take(&self, who: String) -> Option<Share> {
        let mut taken = self.taken.lock();
        let count = taken.entry(who.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { who, of: self.clone() })
    }
}

/// One that somebody has.
#[derive(Debug)]
pub(crate) struct Share {
    who: String,
    of: Shares,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock();
        if let Some(count) = taken.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_more_than_their_share_and_what_is_given_back_is_forgotten() {
        let shares = Shares::of(2);
        let first = shares.take("a".to_owned()).unwrap();
        let second = shares.take("a".to_owned()).unwrap();
        assert!(shares.take("a".to_owned()).is_none());
        assert!(shares.take("b".to_owned()).is_some());
        drop(first);
        assert!(shares.take("a".to_owned()).is_some());
        drop(second);
        assert!(shares.taken.lock().is_empty());
    }
}
