//! What the columns of an entity are usually called.

use signalbox_connector::Entity;
use signalbox_event::rows::Column;

/// Names without case and punctuation, the likelier first. A column's own name need not stand here: an entity without a
/// line is known by it.
const COLUMNS: &[(Option<Entity>, &str, &[&str])] = &[
    (
        None,
        "student",
        &[
            "studentnumber",
            "studentid",
            "studentuniqueid",
            "studentlocalid",
            "localid",
            "stuid",
            "permid",
            "studentnum",
            "studentno",
            "studentidentifier",
            "pupilid",
            "pupil",
            "sisid",
        ],
    ),
    (
        None,
        "school",
        &[
            "schoolid",
            "schoolnumber",
            "schoolcode",
            "schoolnum",
            "schoolno",
            "buildingid",
            "buildingcode",
            "campusid",
            "campuscode",
            "siteid",
            "sitecode",
            "school",
            "building",
            "campus",
        ],
    ),
    (
        Some(Entity::Attendance),
        "date",
        &["attdate", "attendancedate", "absencedate", "eventdate", "calendardate"],
    ),
    (
        Some(Entity::Attendance),
        "category",
        &[
            "attcode",
            "attendancecode",
            "absencecode",
            "attendanceeventcategory",
            "attendancestatus",
            "attendancecategory",
            "attendancetype",
            "absencetype",
            "code",
        ],
    ),
    (
        None,
        "entry",
        &[
            "entrydate",
            "enrollmentdate",
            "enrolldate",
            "startdate",
            "begindate",
            "admissiondate",
            "start",
            "begin",
        ],
    ),
    (
        None,
        "exit",
        &[
            "exitdate",
            "withdrawaldate",
            "withdrawdate",
            "leavedate",
            "exitwithdrawdate",
            "enddate",
            "withdrawal",
            "withdrawn",
            "leave",
            "left",
            "end",
        ],
    ),
    (None, "last_name", &["lastname", "familyname", "surname", "lastsurname", "last"]),
    (None, "first_name", &["firstname", "givenname", "first"]),
    (None, "birth_date", &["dob", "birthdate", "dateofbirth", "birthday", "birth", "born"]),
    (
        Some(Entity::Enrollment),
        "grade",
        &["gradelevel", "grade", "gradelvl", "yearlevel", "yeargroup", "grd", "gr"],
    ),
    (
        None,
        "class",
        &[
            "sectionid",
            "sectionnumber",
            "sectioncode",
            "sectionidentifier",
            "section",
            "classid",
            "classcode",
            "classnumber",
            "class",
            "coursesection",
            "courseid",
            "coursecode",
            "coursenumber",
            "course",
            "coursename",
        ],
    ),
    (
        None,
        "term",
        &[
            "term",
            "termid",
            "termcode",
            "termname",
            "markingperiod",
            "markingperiodcode",
            "gradingperiod",
            "gradingperiodname",
            "reportingperiod",
            "gradeperiod",
            "storecode",
            "mp",
            "quarter",
            "semester",
            "trimester",
        ],
    ),
    (
        None,
        "kind",
        &["gradekind", "gradetype", "gradetypecode", "marktype", "scoretype", "gradestatus", "kind", "type"],
    ),
    (
        Some(Entity::CourseGrade),
        "grade",
        &[
            "numericgrade",
            "percent",
            "percentage",
            "gradepercent",
            "gradepercentage",
            "percentgrade",
            "finalgrade",
            "currentgrade",
            "coursegrade",
            "termgrade",
            "grade",
            "gradevalue",
            "mark",
            "finalmark",
            "score",
            "average",
            "lettergrade",
        ],
    ),
    (
        None,
        "as_of",
        &[
            "asofdate",
            "entereddate",
            "dateentered",
            "gradeentereddate",
            "posteddate",
            "dateposted",
            "gradedate",
            "dategraded",
            "datestored",
            "storedate",
            "lastupdated",
            "modifieddate",
            "entered",
            "posted",
            "date",
        ],
    ),
    (
        None,
        "incident",
        &[
            "incidentid",
            "incidentnumber",
            "incidentidentifier",
            "incidentno",
            "incidentnum",
            "incident",
            "referralid",
            "referralnumber",
            "referral",
            "behaviorincidentid",
            "behaviorid",
            "disciplineincidentid",
            "disciplineid",
            "eventid",
            "caseid",
            "casenumber",
            "reference",
            "refno",
            "ref",
        ],
    ),
    (
        Some(Entity::Incident),
        "date",
        &[
            "incidentdate",
            "dateofincident",
            "referraldate",
            "infractiondate",
            "offensedate",
            "behaviordate",
            "occurrencedate",
            "dateoccurred",
            "eventdate",
            "occurred",
        ],
    ),
    (
        Some(Entity::Incident),
        "category",
        &[
            "level",
            "incidentlevel",
            "severity",
            "severitylevel",
            "incidentseverity",
            "behaviorlevel",
            "infractionlevel",
            "offenselevel",
            "infractioncategory",
            "incidentcategory",
            "offensecategory",
            "behaviorcategory",
            "category",
            "infractiontype",
            "incidenttype",
            "referraltype",
            "action",
            "actiontaken",
            "consequence",
            "type",
        ],
    ),
];

/// Parts of what files of an entity are called, beside its own name.
const FILES: &[(Entity, &[&str])] = &[
    (Entity::Enrollment, &["enrol", "roster"]),
    (Entity::Attendance, &["att", "absen"]),
    (Entity::CourseGrade, &["grade", "mark"]),
    (Entity::Incident, &["behavio", "disciplin", "referral"]),
];

/// Whether a column of a header goes by one of the names that a column of an entity has; how likely it is, 0 the likeliest.
pub(super) fn likeness(entity: Entity, column: &Column, written: &str) -> Option<usize> {
    let of_all =
        COLUMNS.iter().filter(|(of, name, _)| of.is_none_or(|of| of == entity) && *name == column.name);
    let names = of_all.max_by_key(|(of, ..)| of.is_some()).map_or(&[][..], |(.., names)| *names);
    let own = letters(column.name);
    // Exports of tables write the table before the column: STUDENTS.Student_Number, [01]Student_Number.
    let tail = written.rsplit(['.', ']']).next().unwrap_or(written);
    let spelled = [letters(written), letters(tail)];
    let mut all = names.iter().copied().chain([own.as_str()]);
    all.position(|name| spelled.iter().any(|spelled| spelled == name))
}

/// Whether a file's name says that it holds rows of the entity.
pub(super) fn is_named_by(entity: Entity, file: &str) -> bool {
    let file = letters(file);
    let own = entity.as_str().rsplit('.').next().map(letters).unwrap_or_default();
    let others = FILES.iter().find(|(of, _)| *of == entity).map_or(&[][..], |(_, words)| *words);
    file.contains(&own) || others.iter().any(|word| file.contains(word))
}

/// A text without case and punctuation.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
