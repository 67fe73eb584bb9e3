//! A device that is being opened: one attempt at a time, and the newest wish counts.

/// What is wanted of a device, and whether somebody is at it.
#[derive(Debug)]
pub(crate) struct Opening<C> {
    under_way: bool,
    wanted: bool,
    /// Asked for while another attempt was under way.
    next: Option<C>,
}

impl<C> Default for Opening<C> {
    fn default() -> Self {
        Self { under_way: false, wanted: false, next: None }
    }
}

impl<C> Opening<C> {
    /// The device is wanted: what to open now, or nothing while an attempt is under way.
    pub(crate) fn begin(&mut self, choice: C) -> Option<C> {
        self.wanted = true;
        if self.under_way {
            self.next = Some(choice);
            return None;
        }
        self.under_way = true;
        Some(choice)
    }

    /// Nobody wants it any more.
    pub(crate) fn unwanted(&mut self) {
        self.wanted = false;
        self.next = None;
    }

    /// An attempt came to its end: whether its device is still wanted, or what has to be opened instead.
    pub(crate) fn ended(&mut self) -> Result<bool, C> {
        self.under_way = false;
        match self.next.take() {
            Some(next) => {
                self.under_way = true;
                Err(next)
            }
            None => Ok(self.wanted),
        }
    }

    pub(crate) fn under_way(&self) -> bool {
        self.under_way
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_at_a_time_and_the_newest_wish_counts() {
        let mut opening = Opening::default();
        assert_eq!(opening.begin("first"), Some("first"));
        // A chooser that is clicked through opens no ten devices at once.
        assert_eq!(opening.begin("second"), None);
        assert_eq!(opening.begin("third"), None);
        assert_eq!(opening.ended(), Err("third"));
        assert!(opening.under_way());
        assert_eq!(opening.ended(), Ok(true));
        assert!(!opening.under_way());
    }

    #[test]
    fn what_was_closed_meanwhile_is_not_taken() {
        let mut opening = Opening::default();
        assert_eq!(opening.begin(1), Some(1));
        opening.unwanted();
        assert_eq!(opening.ended(), Ok(false));
        assert_eq!(opening.begin(2), Some(2));
        opening.unwanted();
        assert_eq!(opening.begin(3), None, "the second attempt is still under way");
        assert_eq!(opening.ended(), Err(3));
        assert_eq!(opening.ended(), Ok(true));
    }
}
