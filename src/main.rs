//! Parses the command line, runs, and turns what happened into an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use ftpscope::cli::{Args, Exit, run};
use ftpscope::report::escape::escape;

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed too, and there is nowhere left to say so.
            let text = format!("{error:#}");
            let lines: Vec<_> = text.lines().map(escape).collect();
            let _ = writeln!(io::stderr(), "ftpscope: {}", lines.join("\n"));
            Exit::of(&error).into()
        }
    }
}

/// Whoever read our output has enough of it (`| head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}
