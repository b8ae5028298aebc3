//! Floor 6: data-connection bytes → files and listings.

mod beginning;
mod builder;
mod check;
pub mod decode;
mod decoding;
mod encrypted;
mod inferred;
mod listing;
mod marks;
mod media;
mod orphan;
mod outcome;
mod room;
mod sink;
mod site;
mod timing;
mod tls;

pub use self::builder::{Builder, Content, Means, Missing};
pub use self::check::{Check, CheckSource, Stated, Unmade};
pub use self::decode::LineEnds;
pub use self::decoding::Decoded;
pub use self::inferred::Inferred;
pub use self::listing::Listing;
pub use self::marks::{Mark, Program};
pub use self::orphan::{Hosts, Orphan, Resemblance};
pub use self::outcome::Outcome;
pub use self::room::Room;
pub use self::sink::{ByteSink, Face, Sinks};
pub use self::site::{Site, SiteToSite};
pub use self::timing::Timing;

use self::listing::Sizes;
use crate::decode::{Endpoint, Host};
use crate::ftp::{ListingKind, Verb};
use crate::session::{
    Circumstances, DataId, How, Protection, Request, SessionId, Settled, SizeSource, TransferId,
    Weight,
};
use crate::tcp::{self, Dir, DirFacts};
use crate::tls::TlsFacts;

/// One RETR, STOR, STOU, APPE, LIST, NLST or MLSD: what was asked, what was moved, and how well
/// that is known.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub session: SessionId,
    pub request: Request,
    pub direction: Direction,
    /// The connection it went over, or the attempt at one.
    pub data: Option<DataConnection>,
    /// The same connection, captured at another place.
    pub other_leg: Option<Box<DataConnection>>,
    /// What was moved; `None` where no connection came up.
    pub content: Option<Content>,
    pub outcome: Outcome,
    /// Of what copy between two servers it is a half, where both were arranged in the capture.
    pub site_to_site: Option<Box<SiteToSite>>,
    /// What a listing shows; `None` of anything else.
    pub listing: Option<Box<Listing>>,
    /// What the session says of the file, before and after; filled in when that is over.
    pub checks: Vec<Check>,
    /// Whether the bytes of the data connection are protected.
    pub is_encrypted: bool,
    /// What they showed of TLS.
    pub tls: Option<Box<TlsFacts>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    Download,
    Upload,
    Append,
    Listing,
    /// Between two servers, neither of them the client (RFC 959 §2.3, figure 2).
    SiteToSite,
}

/// A data connection as TCP saw it.
#[derive(Clone, Debug)]
pub struct DataConnection {
    pub id: DataId,
    pub originator: Endpoint,
    pub responder: Endpoint,
    pub link: tcp::Link,
    pub from_originator: DirFacts,
    pub from_responder: DirFacts,
}

/// A data connection that was tried and carried nothing, beside those of the transfers: made for a
/// setup that no command used, or for one that another attempt kept.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Those whose setup it was made for.
    pub sessions: Vec<SessionId>,
    pub connection: DataConnection,
}

/// What went over a data connection in both directions.
#[derive(Clone, Debug)]
pub struct Carried {
    pub connection: DataConnection,
    pub from_originator: Content,
    pub from_responder: Content,
}

/// Where a transfer is among `transfers`, which are sorted by their numbers.
pub fn place_of(id: TransferId, transfers: &[Transfer]) -> Option<usize> {
    // Nearly always none is missing, and its number says where it is.
    let nth = transfers.first().and_then(|first| id.0.checked_sub(first.request.id.0))? as usize;
    if transfers.get(nth).is_some_and(|transfer| transfer.request.id == id) {
        return Some(nth);
    }
    transfers.binary_search_by_key(&id, |transfer| transfer.request.id).ok()
}

/// A transfer among `transfers`, which are sorted by their numbers.
pub fn find(id: TransferId, transfers: &[Transfer]) -> Option<&Transfer> {
    transfers.get(place_of(id, transfers)?)
}

impl Transfer {
    /// Joins what was said about a transfer with what its connection carried. `is_shared` if two
    /// sessions were given the connection.
    pub fn new(settled: Settled, carried: Option<&Carried>, is_shared: bool) -> Self {
        let Settled { session, request, around } = settled;
        let content = carried
            .filter(|carried| carried.connection.link.is_established())
            .zip(request.setup.link)
            .map(|(carried, link)| carried.from(sender(request.verb, link.server)).clone());
        let data = carried.map(|carried| carried.connection.clone());
        let tls =
            carried.zip(request.setup.link).and_then(|(carried, link)| carried.tls(link.server));
        let is_encrypted =
            request.protection == Protection::Private || carried.is_some_and(Carried::is_tls);
        let content = content.map(|content| content.with_size_of(&request));
        let outcome =
            outcome::judge(&request, data.as_ref(), content.as_ref(), is_encrypted, &around);
        // What was set up for a refused command carries nothing of it.
        let content = content.filter(|_| outcome != Outcome::Refused);
        let direction = direction(&request, &around, data.as_ref(), is_shared);
        Self {
            session,
            request,
            direction,
            data,
            other_leg: None,
            content,
            outcome,
            site_to_site: None,
            listing: None,
            checks: Vec::new(),
            is_encrypted,
            tls,
        }
    }

    /// Whether a connection cannot have carried what was asked for: it began after the final
    /// reply, was over before the command, or bytes went the other way only.
    pub fn contradicts(request: &Request, carried: &Carried) -> bool {
        let Some(link) = request.setup.link else { return false };
        let dir = sender(request.verb, link.server);
        let (content, other) = (carried.from(dir), carried.from(dir.reversed()));
        let tcp = &carried.connection.link;
        let is_late = request.answered.is_some_and(|(answered, _)| answered.is_before(tcp.first));
        // What was still open then may stand a packet early in the capture.
        let over = content.end.or(content.last);
        let is_early = link.how != How::LateAnnouncement
            && over.is_some_and(|over| over.is_before(request.asked));
        is_late || is_early || content.bytes == 0 && other.bytes > 0 && !carried.is_tls()
    }

    /// Whether what is no text by its content was moved as text: servers and clients that convert
    /// line ends change such a file.
    pub fn is_binary_as_text(&self) -> bool {
        let kind = self.request.representation.kind.as_deref();
        let media = self.content.as_ref().and_then(|content| content.media_type.as_deref());
        self.direction != Direction::Listing
            && kind.is_some_and(|kind| kind.starts_with(b"A"))
            && media.is_some_and(|media| !media.starts_with("text/"))
    }

    /// Who sends and who takes: client and server, or of a copy between servers, the two of them.
    pub fn ends(&self, client: Host, server: Host) -> [Host; 2] {
        if let Some(copy) = &self.site_to_site {
            return [copy.source.server.ip, copy.destination.server.ip];
        }
        let between = self.data.as_ref().zip(self.content_dir());
        let between = between.filter(|_| self.direction == Direction::SiteToSite);
        match between {
            Some((data, Dir::FromOriginator)) => [data.originator.ip, data.responder.ip],
            Some((data, Dir::FromResponder)) => [data.responder.ip, data.originator.ip],
            None if is_upload(self.request.verb) => [client, server],
            None => [server, client],
        }
    }

    /// Whether nothing says that bytes are missing, and something that there are no more: the end of
    /// the data connection, or a size.
    pub fn may_be_whole(&self) -> bool {
        matches!(self.outcome, Outcome::Complete | Outcome::Unconfirmed)
            && self.content.as_ref().is_none_or(|content| {
                content.is_understood() && (content.end.is_some() || self.is_all_by_size(content))
            })
    }

    /// Whether it has the size that the server announced, where the two can be compared.
    fn is_all_by_size(&self, content: &Content) -> bool {
        let request = &self.request;
        let expected = request.expected.filter(|_| request.representation.is_image());
        expected.is_some_and(|expected| outcome::agrees(request, content, expected))
    }

    /// Octets that the server announced beyond those that were captured, where the end of the data
    /// connection was not.
    pub fn short_by(&self) -> Option<u64> {
        let content = self.content.as_ref().filter(|content| content.end.is_none())?;
        let expected = self.request.expected.filter(|_| self.request.representation.is_image())?;
        let rest_offset = self.request.rest_offset;
        // Under REST some servers announce the whole there and some the rest.
        if rest_offset > 0 && expected.source == SizeSource::Preliminary {
            return None;
        }
        let rest = expected.bytes.checked_sub(rest_offset)?;
        rest.checked_sub(content.moved_bytes()?).filter(|short| *short > 0)
    }

    /// Whether there is a file to write: bytes in clear, or a file of none.
    pub fn has_file(&self) -> bool {
        let content = self.content.as_ref().filter(|_| self.outcome != Outcome::Encrypted);
        content.is_some_and(|content| content.bytes > 0 || self.may_be_whole())
    }

    /// Reads the text of a listing, which is of no further use then. Returns the sizes it shows,
    /// and what they are worth.
    pub fn read_listing(&mut self) -> Option<(Sizes, SizeSource)> {
        let content = self.content.as_mut()?;
        let (kind, source) = match self.request.verb {
            Verb::List => (ListingKind::List, SizeSource::List),
            Verb::Mlsd => (ListingKind::Mlsd, SizeSource::Mlsd),
            Verb::Nlst => (ListingKind::Nlst, SizeSource::List),
            _ => return None,
        };
        let is_all = content.is_all_text();
        let text = content.look();
        let listing = Listing::parse(kind, &text, is_all);
        let sizes = content.is_whole().then(|| listing.sizes());
        self.listing = Some(Box::new(listing));
        Some((sizes.filter(|sizes| !sizes.is_empty())?, source))
    }

    /// Tells what kind of file it is and lets go of the octets that tell it: in a thread that has
    /// time for that, for it takes as long as all else that is done for a small file.
    pub fn look(&mut self) {
        self.content.as_mut().map(Content::look);
    }

    /// Bytes of it, with what it holds.
    pub fn weight(&self) -> usize {
        let content = self.content.as_ref().map_or(0, Content::weight);
        let listing = self.listing.as_ref().map_or(0, |listing| listing.weight());
        let tls = self.tls.as_ref().map_or(0, |tls| tls.weight());
        size_of::<Self>() + self.request.weight() + content + listing + tls
    }

    /// Which of the connection's directions is its content.
    pub fn content_dir(&self) -> Option<Dir> {
        let link = self.request.setup.link?;
        self.content.as_ref().map(|_| sender(self.request.verb, link.server))
    }
}

impl Carried {
    /// Octets captured in both directions.
    pub fn bytes(&self) -> u64 {
        self.from_originator.bytes + self.from_responder.bytes
    }

    /// Whether both ends speak TLS. A file that begins like a TLS record goes one way only.
    pub fn is_tls(&self) -> bool {
        self.from_originator.is_tls && self.from_responder.is_tls
    }

    /// Whether it could be FTP's data: those connections carry bytes one way (RFC 959 §3.2), but
    /// for TLS.
    pub fn is_one_way(&self) -> bool {
        self.from_originator.bytes == 0 || self.from_responder.bytes == 0
    }

    /// Bytes it holds of the [`Room`] of all.
    pub fn weight(&self) -> usize {
        self.from_originator.weight() + self.from_responder.weight()
    }

    /// Tells what kind of files its contents are and lets go of the octets that tell it.
    pub fn look(&mut self) {
        self.from_originator.look();
        self.from_responder.look();
    }

    pub fn from(&self, dir: Dir) -> &Content {
        match dir {
            Dir::FromOriginator => &self.from_originator,
            Dir::FromResponder => &self.from_responder,
        }
    }
}

/// Who sends the bytes of a transfer.
fn sender(verb: Verb, server: Dir) -> Dir {
    if is_upload(verb) { server.reversed() } else { server }
}

fn is_upload(verb: Verb) -> bool {
    matches!(verb, Verb::Stor | Verb::Stou | Verb::Appe)
}

/// Between a server and a third host that keeps the promise of an announcement, or between two
/// sessions that share a connection, bytes go site to site.
fn direction(
    request: &Request,
    around: &Circumstances,
    data: Option<&DataConnection>,
    is_shared: bool,
) -> Direction {
    let link = request.setup.link.filter(|link| link.how == How::Announced);
    let is_third = data.zip(link).is_some_and(|(data, link)| {
        let other = match link.server {
            Dir::FromOriginator => data.responder,
            Dir::FromResponder => data.originator,
        };
        // A server that turns a third host away has not copied anything.
        let has_carried = data.from_originator.bytes + data.from_responder.bytes > 0;
        // Where the client dialled, too, nobody told the third host to.
        let is_told = request.setup.rival.is_none();
        other.ip != around.client && data.link.is_established() && has_carried && is_told
    });
    match request.verb {
        verb if verb.is_listing() => Direction::Listing,
        _ if is_third || is_shared => Direction::SiteToSite,
        Verb::Appe => Direction::Append,
        Verb::Stor | Verb::Stou => Direction::Upload,
        _ => Direction::Download,
    }
}
