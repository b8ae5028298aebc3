//! Sessions by their numbers.

use crate::session::{Session, SessionId};

/// Sessions, to be found by their numbers.
pub struct ById<'a>(Vec<(SessionId, &'a Session)>);

impl<'a> ById<'a> {
    pub fn new(sessions: &'a [Session]) -> Self {
        let mut by_id: Vec<_> = sessions.iter().map(|session| (session.id, session)).collect();
        by_id.sort_unstable_by_key(|(id, _)| *id);
        Self(by_id)
    }

    pub fn get(&self, id: SessionId) -> Option<&'a Session> {
        let place = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(place).map(|(_, session)| *session)
    }
}
