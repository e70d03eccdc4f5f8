use jiff::Timestamp;

use super::{Acknowledgement, Announced, Flag, FlagState, HistoryKind};

/// Why a person's act had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    #[error("there is no such flag")]
    NoSuchFlag,
    #[error("the flag is {} already", .0.as_str())]
    NotOpen(FlagState),
}

impl Announced {
    /// A person takes note of an open flag. The same act again changes nothing; another one replaces it.
    ///
    /// # Errors
    /// When there is no such flag or it is not open.
    pub fn acknowledge(
        &mut self,
        number: u32,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ActError> {
        let act = Acknowledgement { by: by.to_owned(), reason: reason.map(str::to_owned) };
        let flag = self.flag_mut(number)?;
        if flag.acknowledgement.as_ref() == Some(&act) {
            return Ok(());
        }
        flag.check_open()?;
        flag.record(now, HistoryKind::Acknowledged, act_text("Acknowledged", &act));
        flag.acknowledgement = Some(act);
        Ok(())
    }

    /// A person says that an open flag is no concern. Doing so again changes nothing.
    ///
    /// # Errors
    /// When there is no such flag or its episode has ended.
    pub fn dismiss(
        &mut self,
        number: u32,
        by: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ActError> {
        let act = Acknowledgement { by: by.to_owned(), reason: reason.map(str::to_owned) };
        let flag = self.flag_mut(number)?;
        if flag.state == FlagState::Dismissed {
            return Ok(());
        }
        flag.check_open()?;
        flag.state = FlagState::Dismissed;
        flag.record(now, HistoryKind::Dismissed, act_text("Dismissed", &act));
        flag.acknowledgement = Some(act);
        Ok(())
    }

    /// Appends the canonical bytes of what stands announced: numbers, states, intervals, what was measured
    /// and acknowledgements, and whether it is unconfirmed; no clock times.
    pub fn digest_into(&self, known: &mut Vec<u8>) {
        for flag in &self.flags {
            let Flag { number, state, start, until, measured, acknowledgement, .. } = flag;
            let unconfirmed = if flag.unconfirmed { " unconfirmed" } else { "" };
            let acknowledged = acknowledgement.as_ref().map(|act| (&act.by, &act.reason));
            let state = state.as_str();
            let line =
                format!("{number} {state} {start} {until} {measured:?} {acknowledged:?}{unconfirmed}\n");
            known.extend_from_slice(line.as_bytes());
        }
    }

    fn flag_mut(&mut self, number: u32) -> Result<&mut Flag, ActError> {
        self.flags.iter_mut().find(|flag| flag.number == number).ok_or(ActError::NoSuchFlag)
    }
}

impl Flag {
    fn check_open(&self) -> Result<(), ActError> {
        if self.state == FlagState::Open { Ok(()) } else { Err(ActError::NotOpen(self.state)) }
    }
}

fn act_text(verb: &str, act: &Acknowledgement) -> String {
    match &act.reason {
        Some(reason) => format!("{verb} by {}: {reason}", act.by),
        None => format!("{verb} by {}.", act.by),
    }
}
