//! Access lists on screen.

use std::io::{self, Write};

use signalbox_connector::words::plural;

use super::{Access, Declared, Described, EVERY_NAME, Lists, State};
use crate::cli::TopicsWhat;

impl Access {
    pub(in crate::commands::topics) fn text(&self, out: &mut dyn Write, what: TopicsWhat) -> io::Result<()> {
        let ok = self.declared.iter().filter(|one| one.state == Some(State::Ok)).count();
        match self.lists {
            Lists::None => {
                return writeln!(
                    out,
                    "The brokers keep no access lists: whoever reaches them may read and write all."
                );
            }
            Lists::Hidden => writeln!(
                out,
                "not known: the access lists, which this user may not see (DESCRIBE on the cluster)"
            )?,
            Lists::Shown => {
                writeln!(out, "as declared: {}", plural(ok as u64, "permission"))?;
            }
        }
        let made = if matches!(what, TopicsWhat::Plan) { "would let" } else { "let" };
        for one in self.declared.iter().filter(|one| one.state == Some(State::Create)) {
            let operations = one.operations.join(", ");
            writeln!(
                out,
                "{made} {} {operations}: {}",
                one.principal,
                on(one.resource, one.pattern, &one.name)
            )?;
        }
        for one in &self.not_declared {
            let Described { principal, resource, pattern, name, operation, .. } = one;
            writeln!(out, "NOT DECLARED: {principal} may {operation}: {}", on(resource, pattern, name))?;
        }
        if !self.not_declared.is_empty() {
            writeln!(
                out,
                "   Mend: declare a reader in log.kafka.readers, or take the entry out with kafka-acls --remove"
            )?;
        }
        self.commands(out)
    }

    /// What has to be made by somebody else, as commands.
    fn commands(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut to_make =
            self.declared.iter().filter(|one| matches!(one.state, None | Some(State::Missing))).peekable();
        if to_make.peek().is_none() {
            return Ok(());
        }
        writeln!(
            out,
            "\nThese entries have to be there. Name an administrator (log.kafka.administrator), or have one make them:"
        )?;
        for Declared { principal, resource, pattern, name, operations, .. } in to_make {
            write!(
                out,
                "  kafka-acls --bootstrap-server … --command-config … --add --allow-principal {principal}"
            )?;
            write!(out, " --resource-pattern-type {pattern} --{resource} {name}")?;
            operations.iter().try_for_each(|operation| write!(out, " --operation {operation}"))?;
            writeln!(out)?;
        }
        Ok(())
    }
}

fn on(resource: &str, pattern: &str, name: &str) -> String {
    match pattern {
        _ if name == EVERY_NAME => format!("every {resource}"),
        "prefixed" => format!("every {resource} that begins with {name}"),
        _ => format!("{resource} {name}"),
    }
}
