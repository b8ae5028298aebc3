//! Parses the command line, runs, and turns what happened into an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use ftpscope::cli::{Args, Exit, run};
use ftpscope::report::escape::escape_lines;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    match run(args) {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed too, and there is nowhere left to say so.
            let _ = writeln!(io::stderr(), "{}", escape_lines(&format!("ftpscope: {error:#}")));
            Exit::of(&error).into()
        }
    }
}

/// Says what is wrong with the arguments, or helps. An argument may be the name of a file that a
/// stranger chose.
fn refuse(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    let safe = escape_lines(&plain);
    if safe == plain {
        error.exit();
    }
    let _ = write!(io::stderr(), "{safe}");
    Exit::Usage.into()
}

/// Whoever read our output has enough of it (`| head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    })
}
