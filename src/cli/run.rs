//! Runs what was asked for.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::args::{
    Args, Command, DiagnoseArgs, ExtractArgs, HashName, InputArgs, JsonArgs, OnlyKind, OverlapName,
    ReportArgs, TreeArgs,
};
use super::policy::{BadConfig, PolicyArgs};
use super::progress::Bar;
use crate::analysis::rules::{self, Kind};
use crate::analysis::{
    Analysis, Audit, CaptureFacts, Collector, Keeper, Policy, Tee, collect_beside,
};
use crate::analyzer::{AnalysisOptions, analyze, verify};
use crate::capture::{
    Capture, CaptureError, Change, InputFacts, Progress, ReadAhead, ReadOptions, Source,
};
use crate::hash::HashSet;
use crate::limits::Limits;
use crate::report::document::DocumentOptions;
use crate::report::files::{self, ExtractError, Only};
use crate::report::{json, text};
use crate::tcp::Overlap;
use crate::transfer::Sinks;
use crate::tui::TuiError;

/// How the program ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    Done,
    /// There is a finding as bad as `--fail-on` says.
    Found,
    Usage,
    /// No input could be read.
    NoInput,
    /// An input was cut, damaged or unreadable; the output is valid.
    Damaged,
    /// Output could not be written.
    NotWritten,
    /// Ended by Ctrl-C; the output is valid.
    Interrupted,
}

impl Exit {
    /// The exit an error leads to.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<CaptureError>() || matches!(error.downcast_ref(), Some(TuiError::Capture(_)))
        {
            return Self::NoInput;
        }
        if error.is::<BadConfig>() || error.is::<NoRule>() || error.is::<MisplacedCommand>() {
            return Self::Usage;
        }
        match error.downcast_ref::<ExtractError>() {
            Some(ExtractError::NotEmpty(_) | ExtractError::Directory { .. }) => Self::Usage,
            _ => Self::NotWritten,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::NoInput => 3,
            Exit::Damaged => 4,
            Exit::NotWritten => 5,
            Exit::Interrupted => 130,
        })
    }
}

/// Runs the command. The error of a capture that cannot be read is a [`CaptureError`].
pub fn run(args: Args) -> Result<Exit> {
    match args.command {
        None => {
            no_command_among(&args.report.input.files)?;
            report(&args.report)
        }
        Some(Command::Report(args)) => report(&args),
        Some(Command::Diagnose(args)) => diagnose(&args),
        Some(Command::Audit(args)) => audit(&args),
        Some(Command::Tui(args)) => super::tui::start(&args),
        Some(Command::Tree(args)) => tree(&args),
        Some(Command::Json(args)) => {
            if args.lines {
                lines(&args)
            } else {
                document(&args)
            }
        }
        Some(Command::Extract(args)) => extract(&args),
        Some(Command::Rules) => print(|out| text::write_rules(&style(false), out)),
        Some(Command::Explain { rule }) => {
            let rule = rules::rule(&rule).ok_or_else(|| NoRule(rule.clone()))?;
            print(|out| text::write_rule(rule, &style(false), out))
        }
        Some(Command::Schema) => print(json::write_schema),
        Some(Command::Completions { shell }) => print(|out| {
            clap_complete::generate(shell, &mut Args::command(), "ftpscope", &mut &mut *out);
            Ok(())
        }),
        Some(Command::Man) => print(write_manual),
    }
}

/// Behind an option, and behind a file, the name of a command is taken for a file.
fn no_command_among(files: &[PathBuf]) -> Result<(), MisplacedCommand> {
    let command = |file: &PathBuf| Args::command().find_subcommand(file).cloned();
    let misplaced = files.iter().filter(|file| !file.exists()).find_map(command);
    misplaced.map_or(Ok(()), |command| Err(MisplacedCommand(command.get_name().to_owned())))
}

#[derive(Debug, thiserror::Error)]
#[error("there is no file {0}, and the command stands first: ftpscope {0} …")]
struct MisplacedCommand(String);

/// A rule that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule {0}; `ftpscope rules` lists them")]
struct NoRule(String);

fn report(args: &ReportArgs) -> Result<Exit> {
    let policy = args.policy.policy()?;
    let (analysis, exit) = judged(&args.input, &[], (&args.policy, &policy), |_| true)?;
    print(|out| text::write(&analysis, &style(args.secrets.show_secrets), out))?;
    Ok(exit)
}

fn diagnose(args: &DiagnoseArgs) -> Result<Exit> {
    let policy = args.policy.policy()?;
    let (analysis, exit) =
        judged(&args.input, &[], (&args.policy, &policy), Kind::is_of_diagnosis)?;
    print(|out| text::write_diagnosis(&analysis, &style(false), out))?;
    Ok(exit)
}

fn audit(args: &ReportArgs) -> Result<Exit> {
    let policy = args.policy.policy()?;
    let (analysis, exit) = judged(&args.input, &[], (&args.policy, &policy), Kind::is_of_audit)?;
    let audit = Audit::new(&analysis, &policy);
    let style = style(args.secrets.show_secrets);
    print(|out| text::write_audit(&analysis, &audit, &style, out))?;
    Ok(exit)
}

fn tree(args: &TreeArgs) -> Result<Exit> {
    let (analysis, exit) = analysed(&Reading::new(&args.input, HashSet::default())?)?;
    print(|out| text::write_tree(&analysis, &style(false), out))?;
    Ok(exit)
}

fn document(args: &JsonArgs) -> Result<Exit> {
    let policy = args.policy.policy()?;
    let asked = (&args.policy, &policy);
    let (analysis, exit) = judged(&args.input, &args.hashes.hash, asked, |_| true)?;
    let audit = args.audit.then(|| Audit::new(&analysis, &policy));
    let threads = args.input.threads();
    print(|out| json::write(&analysis, audit.as_ref(), args.options(), threads, out))?;
    drop(audit);
    // The program ends: giving back millions of pieces of memory one by one takes its time.
    std::mem::forget(analysis);
    Ok(exit)
}

/// Everything of a capture.
fn analysed(reading: &Reading<'_>) -> Result<(Analysis, Exit)> {
    let mut keeper = Keeper::new(Limits::default());
    let read = reading.run_beside(&mut keeper)?;
    let exit = read.exit();
    Ok((keeper.finish(read.facts, read.inputs), exit))
}

/// The same, with every hash that a server states verified, and what the rules say of it. `counts`
/// are the kinds of rules that `--fail-on` looks at: those that are told.
fn judged(
    input: &InputArgs,
    hashes: &[HashName],
    (args, policy): (&PolicyArgs, &Policy),
    counts: impl Fn(Kind) -> bool,
) -> Result<(Analysis, Exit)> {
    let reading = Reading::new(input, hash_set(hashes) | policy.hashes())?;
    let (mut analysis, mut exit) = analysed(&reading)?;
    let bar = Bar::new(reading.progress.clone(), input.quiet);
    verify(&mut analysis, &reading.analysis, || reading.again());
    drop(bar);
    if reading.is_interrupted() {
        analysis.capture.is_interrupted = true;
        exit = Exit::Interrupted;
    }
    analysis.judge(policy, &Limits::default(), input.threads());
    let told = analysis.findings.iter().filter(|finding| counts(finding.rule.kind));
    let fails = exit == Exit::Done && args.fails(told);
    Ok((analysis, if fails { Exit::Found } else { exit }))
}

fn style(show_secrets: bool) -> text::Style {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|no| !no.is_empty());
    let colour = io::stdout().is_terminal() && !no_colour;
    text::Style { colour, width: terminal_width(), show_secrets }
}

fn lines(args: &JsonArgs) -> Result<Exit> {
    let reading = Reading::new(&args.input, hash_set(&args.hashes.hash))?;
    let out = BufWriter::new(io::stdout());
    let mut lines = json::Lines::new(out, args.options(), reading.progress.clone());
    let read = reading.run_beside(&mut lines)?;
    lines.finish(&read.facts, &read.inputs)?;
    Ok(read.exit())
}

fn extract(args: &ExtractArgs) -> Result<Exit> {
    let only = Only {
        directions: args.chosen(OnlyKind::Direction),
        names: args.chosen(OnlyKind::Name),
        sessions: args.chosen(OnlyKind::Session),
        outcomes: args.chosen(OnlyKind::Outcome),
        listings: args.listings,
        wire: args.wire,
    };
    let mut limits = Limits::default();
    limits.file_bytes = args.max_file.unwrap_or(limits.file_bytes);
    limits.total_bytes = args.max_total.unwrap_or(limits.total_bytes);
    limits.hole_bytes = args.max_holes.unwrap_or(limits.hole_bytes);
    let several_inputs = args.input.files.len() > 1;
    let (mut sinks, mut manifest) = files::create(&args.output, only, &limits, several_inputs)?;
    let reading =
        Reading { hash_inputs: true, ..Reading::new(&args.input, hash_set(&args.hashes.hash))? };
    // What belongs together is known only at the end.
    let mut keeper = Keeper::joining(Limits::default());
    let mut both = Tee(&mut manifest, &mut keeper);
    let read = match reading.run(Some(&mut sinks), &mut both) {
        Ok(read) => read,
        Err(error) => {
            manifest.abandon();
            return Err(error);
        }
    };
    let exit = read.exit();
    let summary = manifest.finish(&keeper.finish(read.facts, read.inputs))?;
    print(|out| writeln!(out, "{summary}"))?;
    Ok(exit)
}

/// A capture that was read.
struct Read {
    facts: CaptureFacts,
    inputs: Vec<InputFacts>,
}

impl Read {
    fn exit(&self) -> Exit {
        let is_damaged = |input: &InputFacts| {
            let is_stable = matches!(input.changed, None | Some(Change::Grew));
            input.damage_count > 0 || input.error.is_some() || !is_stable
        };
        if self.facts.is_interrupted {
            Exit::Interrupted
        } else if self.inputs.iter().any(is_damaged) {
            Exit::Damaged
        } else {
            Exit::Done
        }
    }
}

/// What is to be read, and how.
struct Reading<'a> {
    input: &'a InputArgs,
    sources: Vec<Source>,
    analysis: AnalysisOptions,
    hash_inputs: bool,
    progress: Progress,
    interrupted: Arc<AtomicBool>,
}

impl<'a> Reading<'a> {
    fn new(input: &'a InputArgs, hashes: HashSet) -> Result<Self> {
        let progress = Progress::default();
        Ok(Self {
            input,
            sources: input.files.iter().cloned().map(Source::from_arg).collect(),
            analysis: AnalysisOptions { hashes, ..analysis_options(input) },
            hash_inputs: false,
            interrupted: stop_on_ctrl_c(&progress)?,
            progress,
        })
    }

    /// Reads the inputs, with a progress bar, until their end or Ctrl-C.
    fn run<'b>(
        &self,
        sinks: Option<&'b mut dyn Sinks>,
        out: &'b mut dyn Collector,
    ) -> Result<Read> {
        let mut capture = self.open(self.hash_inputs)?;
        let bar = Bar::new(self.progress.clone(), self.input.quiet);
        let mut facts = analyze(&mut capture, &self.analysis, sinks, out);
        let inputs = capture.finish();
        drop(bar);
        facts.add_limits_of(&inputs);
        facts.is_interrupted = self.is_interrupted();
        Ok(Read { facts, inputs })
    }

    /// The same, with `out` in a thread of its own where there may be one.
    fn run_beside(&self, out: &mut impl Collector) -> Result<Read> {
        match self.input.threads() {
            1 => self.run(None, out),
            _ => collect_beside(out, |out| self.run(None, out)),
        }
    }

    fn open(&self, hash_inputs: bool) -> Result<Capture, CaptureError> {
        let progress = self.progress.clone();
        let ahead = ReadAhead::new(self.input.threads());
        let reading =
            ReadOptions { limits: Limits::default(), hash_inputs, progress, ahead, marks: None };
        Capture::open(&self.sources, reading)
    }

    /// The inputs once more, if they give the same another time.
    fn again(&self) -> Option<Capture> {
        let can_be = self.sources.iter().all(Source::can_be_read_again);
        self.progress.begin_again();
        can_be.then(|| self.open(false).ok()).flatten()
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

fn hash_set(hashes: &[HashName]) -> HashSet {
    let has = |name| hashes.contains(&name);
    HashSet {
        sha512: has(HashName::Sha512),
        sha1: has(HashName::Sha1),
        md5: has(HashName::Md5),
        crc32: has(HashName::Crc32),
    }
}

/// How the packets are to be understood.
pub(super) fn analysis_options(input: &InputArgs) -> AnalysisOptions {
    AnalysisOptions {
        limits: Limits::default(),
        ports: input.port.clone(),
        hashes: HashSet::default(),
        overlap: match input.overlap {
            OverlapName::First => Overlap::First,
            OverlapName::Last => Overlap::Last,
        },
        threads: input.threads(),
    }
}

/// Ctrl-C ends the reading; a second one ends the program the hard way.
fn stop_on_ctrl_c(progress: &Progress) -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, progress) = (Arc::clone(&interrupted), progress.clone());
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        progress.stop();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(interrupted)
}

impl JsonArgs {
    fn options(&self) -> DocumentOptions {
        DocumentOptions {
            show_secrets: self.secrets.show_secrets,
            several_inputs: self.input.files.len() > 1,
        }
    }
}

impl ExtractArgs {
    fn chosen(&self, kind: OnlyKind) -> Vec<String> {
        let chosen = self.only.iter().filter(|(of, _)| *of == kind);
        chosen.map(|(_, value)| value.clone()).collect()
    }
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).context("cannot write to standard output")?;
    Ok(Exit::Done)
}

fn write_manual(out: &mut dyn Write) -> io::Result<()> {
    let command = Args::command();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for mut sub in command.get_subcommands().cloned().collect::<Vec<_>>() {
        let name = format!("ftpscope-{}", sub.get_name());
        sub = sub.name(name.clone()).bin_name(name);
        clap_mangen::Man::new(sub).render(out)?;
    }
    Ok(())
}

/// `COLUMNS` or the terminal's own width would need a terminal crate here; the report is made to
/// be read at 80 columns.
fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(80).max(80)
}
