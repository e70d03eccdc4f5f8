//! A process, with its wall time, CPU time and peak memory.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// How often the process is looked at. What its memory grows by in the last of these moments is not seen.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The kernel's clock ticks per second in /proc (`getconf CLK_TCK`), the same on every Linux since 2.6.
const TICKS_PER_S: f64 = 100.0;

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) seconds: f64,
    /// User and system time of all its threads.
    pub(crate) cpu_s: f64,
    /// Peak resident memory.
    pub(crate) rss_mib: f64,
    /// What all processes of the machine used meanwhile, the servers' and this one's too.
    pub(crate) machine_cpu_s: f64,
}

/// Runs a process to its end. Returns what it took and its standard output; a failure is an error.
pub(crate) fn run(mut command: Command) -> anyhow::Result<(Taken, String)> {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start")?;
    let mut stdout = child.stdout.take().context("its output is piped")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut taken = Taken::default();
    let status = loop {
        look(&child, &mut taken);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        sleep(LOOK_EVERY);
    };
    taken.seconds = started.elapsed().as_secs_f64();
    ensure!(status.success(), "{command:?} ended with {status}");
    match reader.join() {
        Ok(text) => Ok((taken, text?)),
        Err(_) => bail!("its output could not be read"),
    }
}

/// Starts a process and looks at it after `after`, when it should be idle: its memory then. It is killed afterwards.
pub(crate) fn idle(mut command: Command, after: Duration) -> anyhow::Result<Taken> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start")?;
    sleep(after);
    let mut taken = Taken { seconds: after.as_secs_f64(), ..Taken::default() };
    look(&child, &mut taken);
    taken.rss_mib = status_mib(&child, "VmRSS:").unwrap_or(0.0);
    ensure!(child.try_wait()?.is_none(), "{command:?} ended by itself");
    child.kill()?;
    child.wait()?;
    Ok(taken)
}

/// A process that runs until it is told to stop. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    started: Instant,
    machine_cpu_s: f64,
    taken: Taken,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start")?;
        Ok(Self { child, started, machine_cpu_s: machine_cpu_s(), taken: Taken::default() })
    }

    /// Waits until `done` says so, and returns what the process took until then.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Taken> {
        while !done()? {
            ensure!(self.child.try_wait()?.is_none(), "the hub ended by itself");
            ensure!(self.started.elapsed() < limit, "not done after {} s", limit.as_secs());
            self.look();
            sleep(LOOK_EVERY);
        }
        self.taken.seconds = self.started.elapsed().as_secs_f64();
        Ok(self.look())
    }

    /// What the process took until now, but for the seconds.
    pub(crate) fn look(&mut self) -> Taken {
        look(&self.child, &mut self.taken);
        self.taken.machine_cpu_s = machine_cpu_s() - self.machine_cpu_s;
        self.taken
    }

    /// Asks it to stop, as systemd and Kubernetes do, and waits until it has.
    pub(crate) fn end(mut self) -> anyhow::Result<()> {
        let term = format!("kill -TERM {}", self.child.id());
        ensure!(Command::new("sh").args(["-c", &term]).status()?.success(), "no signal was sent");
        let status = self.child.wait()?;
        ensure!(status.success(), "asked to stop, the hub ended with {status}");
        Ok(())
    }

    /// kill -9
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// Notes what /proc knows; a process that is just ending knows its CPU time only.
fn look(child: &Child, taken: &mut Taken) {
    taken.rss_mib = status_mib(child, "VmHWM:").unwrap_or(0.0).max(taken.rss_mib);
    taken.cpu_s = cpu_s(child).unwrap_or(taken.cpu_s);
}

fn status_mib(child: &Child, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn cpu_s(child: &Child) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The command's name, in brackets, may hold blanks; user and system time are the 12th and 13th field behind it.
    let (_, behind) = stat.rsplit_once(')')?;
    let ticks = |at| behind.split_ascii_whitespace().nth(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_S)
}

/// Since the machine was started; 0 where /proc does not say.
fn machine_cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let Some(all) = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")) else { return 0.0 };
    // User, nice, system, idle, waiting for disks, interrupts, soft interrupts.
    let ticks: Vec<f64> = all.split_ascii_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    [0, 1, 2, 5, 6].into_iter().filter_map(|at| ticks.get(at)).sum::<f64>() / TICKS_PER_S
}
