//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::policy::PolicyArgs;
use crate::report::document;

/// Reads packet captures and tells the story of the FTP in them: who logged in, what was moved,
/// what is missing, and where each claim can be seen.
///
/// `ftpscope FILE…` is short for `ftpscope report FILE…`.
///
/// Exit codes: 0 done; 1 there is a finding as bad as --fail-on says; 2 wrong usage; 3 no input could be read; 4 an input was cut, damaged or
/// unreadable (the output is valid); 5 output could not be written; 130 interrupted (the output
/// is valid).
#[derive(Debug, Parser)]
#[command(version, max_term_width = 80, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell a person at a terminal what happened
    Report(ReportArgs),
    /// Say why it failed: each failed or suspicious transfer with what was sent, in order, and what
    /// to change
    Diagnose(DiagnoseArgs),
    /// Say who got in, what left and what came in, what was tried and what came of it, and what
    /// could not be seen
    Audit(ReportArgs),
    /// Look around in it: sessions, files, findings, and what is in them
    Tui(TuiArgs),
    /// Print everything known as one JSON document, or as JSON lines
    Json(JsonArgs),
    /// Show what clients saw of each server in listings, and what they fetched, wrote and deleted
    Tree(TreeArgs),
    /// Write the files that were moved to a directory, with a manifest
    Extract(ExtractArgs),
    /// List the rules that findings come from, and the numbers they compare with
    Rules,
    /// Say what a rule means: what it rests on, what else looks like it, what to change
    Explain {
        /// Its name, as `ftpscope rules` lists it
        #[arg(value_name = "RULE")]
        rule: String,
    },
    /// Print the JSON Schema of the document
    Schema,
    /// Print a completion script for a shell
    Completions { shell: Shell },
    /// Print the manual page (roff)
    Man,
}

#[derive(clap::Args, Debug)]
pub struct ReportArgs {
    #[command(flatten)]
    pub input: InputArgs,

    #[command(flatten)]
    pub policy: PolicyArgs,

    #[command(flatten)]
    pub secrets: SecretArgs,
}

#[derive(clap::Args, Debug)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    pub input: InputArgs,

    #[command(flatten)]
    pub policy: PolicyArgs,
}

#[derive(clap::Args, Debug)]
pub struct TuiArgs {
    #[command(flatten)]
    pub input: InputArgs,

    #[command(flatten)]
    pub policy: PolicyArgs,

    /// Directory to extract files to
    #[arg(short, long, value_name = "DIR", default_value = "ftpscope-files")]
    pub output: PathBuf,

    /// Draw with characters that every terminal has
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,

    /// Go on at the end of a file that is still being written
    #[arg(long)]
    pub follow: bool,

    /// Do not copy standard input to a private file; content can then not be shown
    #[arg(long)]
    pub no_spool: bool,
}

#[derive(clap::Args, Debug)]
pub struct TreeArgs {
    #[command(flatten)]
    pub input: InputArgs,
}

#[derive(clap::Args, Debug)]
pub struct JsonArgs {
    #[command(flatten)]
    pub input: InputArgs,

    #[command(flatten)]
    pub policy: PolicyArgs,

    #[command(flatten)]
    pub secrets: SecretArgs,

    #[command(flatten)]
    pub hashes: HashArgs,

    /// Print JSON lines, each record as soon as it is final; without what is known only later:
    /// findings, files, server trees, and of a transfer its checks and its other half
    #[arg(long, conflicts_with_all = ["fail_on", "audit"])]
    pub lines: bool,

    /// Add `audit`: who logged in, what was moved where, what could not be seen, and how bad it is
    #[arg(long)]
    pub audit: bool,
}

#[derive(clap::Args, Debug)]
pub struct ExtractArgs {
    #[command(flatten)]
    pub input: InputArgs,

    #[command(flatten)]
    pub hashes: HashArgs,

    /// Directory to write to: new or empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,

    /// Only what matches: direction=download|upload|append|site_to_site, name=PATTERN (with * and
    /// ?, without regard to case), session=s1, outcome=complete|…; may be given again, and then
    /// all kinds must match, any of each
    #[arg(long, value_name = "KIND=VALUE", value_parser = parse_only)]
    pub only: Vec<(OnlyKind, String)>,

    /// Write listings (LIST, NLST, MLSD) too
    #[arg(long)]
    pub listings: bool,

    /// Beside a file that was made of what was on the wire (TYPE A, MODE Z …), write that too, with
    /// `.wire` behind its name
    #[arg(long)]
    pub wire: bool,

    /// Cut each file at this length, the holes in it included: 500M, 2G, 1GiB or bytes. What is
    /// cut is said at the end and in the manifest [default: no bound]
    #[arg(long, value_name = "SIZE", value_parser = parse_bound, help_heading = "Limits")]
    pub max_file: Option<u64>,

    /// Write at most so many captured bytes to all files together; holes are not counted
    /// [default: no bound]
    #[arg(long, value_name = "SIZE", value_parser = parse_bound, help_heading = "Limits")]
    pub max_total: Option<u64>,

    /// Leave at most so many bytes of holes (what the capture missed) in all files together,
    /// beyond as many as were captured; a file is cut at the hole that would be more. They take no
    /// room on most file systems [default: 64GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Limits")]
    pub max_holes: Option<u64>,
}

/// What `--only` looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum OnlyKind {
    Direction,
    Name,
    Session,
    Outcome,
}

#[derive(clap::Args, Debug)]
pub struct InputArgs {
    /// Captures (pcap or pcapng, plain or compressed); `-` reads standard input. Several are one
    /// capture in time order
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Another port of FTP control connections beside 21; others are found by what is said on
    /// them
    #[arg(long, value_name = "PORT", help_heading = "Analysis")]
    pub port: Vec<u16>,

    /// Which of two differing copies of data the receivers are taken to have kept, where both
    /// came before the data in front of them; each conflict is told either way
    #[arg(long, value_name = "COPY", default_value = "first", help_heading = "Analysis")]
    pub overlap: OverlapName,

    /// Show no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Threads to use, at most 16; what comes out is the same with any number [default: as many as
    /// there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub threads: Option<u8>,
}

impl InputArgs {
    pub fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from).min(16);
        self.threads.map_or_else(processors, usize::from)
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum OverlapName {
    First,
    Last,
}

#[derive(clap::Args, Debug)]
pub struct HashArgs {
    /// Hashes to make of every file beside SHA-256; those that a server states of a file are made of
    /// that anyway
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Analysis")]
    pub hash: Vec<HashName>,
}

#[derive(clap::Args, Debug)]
pub struct SecretArgs {
    /// Show passwords instead of masking them
    #[arg(long, help_heading = "Output")]
    pub show_secrets: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum HashName {
    /// Always made
    Sha256,
    Sha512,
    Sha1,
    Md5,
    Crc32,
}

fn parse_only(text: &str) -> Result<(OnlyKind, String), String> {
    let (kind, value) = text.split_once('=').ok_or("KIND=VALUE is expected")?;
    let kind = OnlyKind::from_str(kind, true)?;
    let words: &[&str] = match kind {
        OnlyKind::Direction => &document::DIRECTIONS,
        OnlyKind::Outcome => &document::OUTCOMES,
        OnlyKind::Name if value.is_empty() => return Err("a pattern is expected".to_owned()),
        OnlyKind::Session if !is_session(value) => {
            return Err("the id of a session is expected, such as s1".to_owned());
        }
        OnlyKind::Name | OnlyKind::Session => return Ok((kind, value.to_owned())),
    };
    match words.contains(&value) {
        true => Ok((kind, value.to_owned())),
        false => Err(format!("one of {} is expected", words.join(", "))),
    }
}

/// A whole number of bytes, or of a unit: decimal as everywhere here (`500M`), or binary (`1GiB`).
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err("a size is expected, such as 500M, 2G, 1GiB or 4096".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a whole number is expected".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "that is more than 64 bits hold".to_owned())
}

fn parse_bound(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("0 would write nothing; without the flag there is no bound".to_owned()),
        size => Ok(size),
    }
}

fn is_session(value: &str) -> bool {
    value.strip_prefix('s').is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_flag_has_help() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments().filter(|arg| arg.get_id() != "shell") {
                assert!(arg.get_help().is_some(), "{} has no help", arg.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        Args::command().debug_assert();
        check(&Args::command());
    }

    #[test]
    fn sizes_are_decimal_unless_they_say_otherwise() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("500M", Some(500_000_000)),
            ("2g", Some(2_000_000_000)),
            ("1KB", Some(1000)),
            ("1KiB", Some(1024)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("20000000T", None),
            ("1.5G", None),
            ("-1", None),
            ("G", None),
            ("", None),
            ("5 M", None),
            ("5X", None),
        ] {
            assert_eq!(parse_size(text).ok(), wanted, "{text}");
        }
        assert!(parse_bound("0").is_err());
    }

    #[test]
    fn a_file_alone_is_a_report() {
        let args = Args::try_parse_from(["ftpscope", "a.pcap", "--show-secrets"]).unwrap();
        assert!(args.command.is_none() && args.report.secrets.show_secrets);
        assert!(Args::try_parse_from(["ftpscope"]).is_err());
        assert!(Args::try_parse_from(["ftpscope", "json"]).is_err());
        assert!(Args::try_parse_from(["ftpscope", "schema"]).is_ok());
        let only = ["ftpscope", "extract", "a", "-o", "d", "--only", "name=*.pdf"];
        assert!(Args::try_parse_from(only).is_ok());
        for bad in ["size=1", "name", "name=", "direction=sideways", "outcome=fine"] {
            let only = ["ftpscope", "extract", "a", "-o", "d", "--only", bad];
            assert!(Args::try_parse_from(only).is_err(), "{bad}");
        }
    }
}
