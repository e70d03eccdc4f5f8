//! The roster as a OneRoster package, which knows each student by two ids.

use std::io::{Cursor, Write as _};

use jiff::ToSpan as _;
use zip::write::SimpleFileOptions;

use super::district::SCHOOLS;
use super::export::{Export, Line};
use crate::drops;

const MANIFEST: &str = "propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,1.1\r\n\
    file.academicSessions,bulk\r\nfile.categories,absent\r\nfile.classes,bulk\r\nfile.classResources,absent\r\n\
    file.courses,absent\r\nfile.courseResources,absent\r\nfile.demographics,absent\r\nfile.enrollments,bulk\r\n\
    file.lineItems,absent\r\nfile.orgs,bulk\r\nfile.resources,absent\r\nfile.results,absent\r\nfile.users,bulk\r\n\
    source.systemName,Test\r\nsource.systemCode,test\r\n";
const SESSIONS: &str = "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\r\n\
    y-22,,,Year,schoolYear,2021-08-23,2022-05-28,,2022\r\nt-1,,,Term,term,2021-08-23,2022-05-28,y-22,2022\r\n";
const ORGS: &str =
    "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\nd-1,,,District,district,,\r\n";
const CLASSES: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
    schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\r\n";
const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,\
    familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\r\n";
const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,\
    beginDate,endDate\r\n";

/// The zip of a roster.
pub(super) fn zipped(roster: &Export) -> Vec<u8> {
    if let Some(text) = roster.style.instead {
        return text.as_bytes().to_vec();
    }
    let all = |head: &str, row: fn(&Line) -> String| {
        head.to_owned() + &roster.lines.iter().map(row).collect::<String>()
    };
    let schools =
        |head: &str, row: fn(&&str) -> String| head.to_owned() + &SCHOOLS.iter().map(row).collect::<String>();
    let files = [
        ("manifest.csv", MANIFEST.to_owned()),
        ("academicSessions.csv", SESSIONS.to_owned()),
        ("orgs.csv", schools(ORGS, |id| format!("s-{id},,,School {id},school,{id},d-1\r\n"))),
        ("classes.csv", schools(CLASSES, |id| format!("c-{id},,,Homeroom,,,,homeroom,,s-{id},t-1,,,\r\n"))),
        ("users.csv", all(USERS, user)),
        ("enrollments.csv", all(ENROLLMENTS, enrollment)),
    ];
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).expect("writes to memory");
        zip.write_all(text.as_bytes()).expect("writes to memory");
    }
    zip.finish().expect("writes to memory").into_inner()
}

fn user(line: &Line) -> String {
    let (id, last, first, school) = (&line.cells[0], &line.cells[1], &line.cells[2], &line.cells[4]);
    format!("u-{id},,,true,s-{school},student,z{id},,{first},{last},,{id},,,,,09,\r\n")
}

/// The end date is the first day out.
fn enrollment(line: &Line) -> String {
    let (id, school, (entry, exit)) = (&line.cells[0], &line.cells[4], line.window);
    let begin = drops::day(entry);
    let end = exit.map(|day| (drops::day(day) + 1.day()).to_string()).unwrap_or_default();
    format!("e-{id},,,c-{school},s-{school},u-{id},student,,{begin},{end}\r\n")
}
