//! What the rules are told: by flags, and by a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use ipnet::IpNet;
use serde::Deserialize;

use super::hash_list;
use crate::analysis::{Allowed, Finding, Policy, Severity, Suppression, THRESHOLDS, rules};

#[derive(clap::Args, Debug)]
pub struct PolicyArgs {
    /// Read what is known of the network from a TOML file: home networks, servers and pairs of
    /// client and server that are meant to be used, thresholds, rules that are off, findings that
    /// are suppressed with a reason. Flags come on top of it
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub config: Option<PathBuf>,

    /// A network that is inside, whatever its addresses look like: 198.51.100.0/24
    #[arg(long, value_name = "NETWORK", value_parser = parse_network, help_heading = "Findings")]
    pub home: Vec<IpNet>,

    /// Hashes of files that are known to be bad (MD5, SHA-1 or SHA-256), one on a line, alone or as
    /// sha256sum or hashdeep write them; a transfer of one is found
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub hash_list: Vec<PathBuf>,

    /// Hashes of files that are known to be harmless, in the same forms: nothing is said of what
    /// they are
    #[arg(long, value_name = "FILE", help_heading = "Findings")]
    pub allow_list: Vec<PathBuf>,

    /// Change a number that a rule compares with, such as banner-delay-ms=5000; `ftpscope rules`
    /// lists them
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_threshold, help_heading = "Findings")]
    pub threshold: Vec<(String, u64)>,

    /// Findings of this rule are known and accepted, everywhere or of sessions with one host or
    /// network; they are told last, with the reason, and do not count for --fail-on
    #[arg(long, value_name = "RULE[@HOST]=REASON", value_parser = parse_suppression, help_heading = "Findings")]
    pub suppress: Vec<Suppression>,

    /// Exit with 1 if there is a finding of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", help_heading = "Findings")]
    pub fail_on: Option<SeverityName>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum SeverityName {
    Info,
    Warning,
    Error,
    Critical,
}

impl PolicyArgs {
    /// What they say together with the file they name.
    pub(super) fn policy(&self) -> Result<Policy> {
        let mut policy = self.config.as_deref().map_or_else(|| Ok(Policy::default()), read)?;
        policy.home.extend(&self.home);
        policy.suppressions.extend(self.suppress.iter().cloned());
        for (paths, list) in
            [(&self.hash_list, &mut policy.bad), (&self.allow_list, &mut policy.harmless)]
        {
            for path in paths {
                hash_list::read(path, list).map_err(|what| anyhow!(BadConfig(what)))?;
            }
        }
        for (name, number) in &self.threshold {
            policy.set_threshold(name, *number);
        }
        Ok(policy)
    }

    /// Whether a finding is as bad as `--fail-on` says.
    pub(super) fn fails<'a>(&self, mut findings: impl Iterator<Item = &'a Finding>) -> bool {
        let Some(from) = self.fail_on else { return false };
        let from = match from {
            SeverityName::Info => Severity::Info,
            SeverityName::Warning => Severity::Warning,
            SeverityName::Error => Severity::Error,
            SeverityName::Critical => Severity::Critical,
        };
        findings.any(|finding| finding.suppressed.is_none() && finding.severity >= from)
    }
}

/// The file, as it is written. A word it does not know is an error: it would be without effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    home: Vec<String>,
    #[serde(default)]
    allowed_servers: Vec<String>,
    #[serde(default)]
    allowed_pairs: Vec<PairEntry>,
    #[serde(default)]
    rules_off: Vec<String>,
    #[serde(default)]
    thresholds: BTreeMap<String, u64>,
    #[serde(default)]
    suppress: Vec<SuppressEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairEntry {
    client: String,
    server: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuppressEntry {
    rule: String,
    host: Option<String>,
    reason: String,
}

/// A file that says what it must not say.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadConfig(String);

fn read(path: &Path) -> Result<Policy> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(|error| bad(path, &format!("{error:#}")))?;
    let File { home, allowed_servers, allowed_pairs, rules_off, thresholds, suppress } =
        toml::from_str(&text).map_err(|error| bad(path, error.to_string().trim_end()))?;
    let mut policy = Policy::default();
    let network = |text: &String| parse_network(text).map_err(|what| bad(path, &what));
    policy.home = home.iter().map(network).collect::<Result<_>>()?;
    for server in &allowed_servers {
        policy.allowed.push(Allowed { client: None, server: network(server)? });
    }
    for PairEntry { client, server } in &allowed_pairs {
        policy.allowed.push(Allowed { client: Some(network(client)?), server: network(server)? });
    }
    for rule in rules_off {
        known_rule(&rule).map_err(|what| bad(path, &what))?;
        policy.off.insert(rule);
    }
    for (name, number) in thresholds {
        if !policy.set_threshold(&name, number) {
            return Err(bad(path, &format!("there is no threshold {name}")));
        }
    }
    for SuppressEntry { rule, host, reason } in suppress {
        let host = host.as_ref().map(network).transpose()?;
        suppressible(&rule, host).map_err(|what| bad(path, &what))?;
        if reason.trim().is_empty() {
            return Err(bad(path, &format!("{rule} is suppressed without a reason")));
        }
        policy.suppressions.push(Suppression { rule, host, reason });
    }
    Ok(policy)
}

fn bad(path: &Path, what: &str) -> anyhow::Error {
    anyhow!(BadConfig(format!("{}: {what}", path.display())))
}

fn parse_threshold(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("NAME=NUMBER is expected")?;
    if !THRESHOLDS.iter().any(|threshold| threshold.name == name) {
        return Err(format!("there is no threshold {name}; `ftpscope rules` lists them"));
    }
    Ok((name.to_owned(), number.parse().map_err(|_| "a whole number is expected".to_owned())?))
}

fn parse_suppression(text: &str) -> Result<Suppression, String> {
    let (what, reason) = text.split_once('=').ok_or("RULE=REASON is expected")?;
    let (rule, host) = match what.split_once('@') {
        Some((rule, host)) => (rule, Some(parse_network(host)?)),
        None => (what, None),
    };
    suppressible(rule, host)?;
    if reason.trim().is_empty() {
        return Err("a reason is expected".to_owned());
    }
    Ok(Suppression { rule: rule.to_owned(), host, reason: reason.to_owned() })
}

/// A network, or a host alone.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let host = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    IpNet::from_str(text).or_else(|_| host()).map_err(|_| format!("{text} is no network"))
}

/// What a capture shows concerns all of it: suppressed for one host it would be told all the same.
fn suppressible(id: &str, host: Option<IpNet>) -> Result<(), String> {
    let is_of_capture = known_rule(id)?.kind == rules::Kind::Capture;
    match host.filter(|_| is_of_capture) {
        Some(host) => Err(format!("{id} is about the whole capture, not about {host}")),
        None => Ok(()),
    }
}

fn known_rule(id: &str) -> Result<&'static rules::Rule, String> {
    match rules::rule(id) {
        Some(rule) => Ok(rule),
        None => Err(format!("there is no rule {id}; `ftpscope rules` lists them")),
    }
}
