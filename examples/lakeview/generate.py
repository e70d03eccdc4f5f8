#!/usr/bin/env python3
"""Writes the files of Lakeview, an invented district: drop/ and later/ beside this script.

Every run writes the same bytes. No student in it exists.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).parent
SCHOOLS = [("100", "Lincoln High School", ["09", "10", "11", "12"]), ("200", "Roosevelt Middle School", ["06", "07", "08"])]
FIRST, LAST = date(2026, 8, 17), date(2027, 5, 28)
CLOSED = {date(2026, 9, 7)}
KNOWN_THROUGH = date(2026, 10, 16)
STUDENTS = 60
# Five absences of 44 days are 11.4 %; four were never as much as 10 % of the days before.
AT_THE_LINE, AT_THE_LINE_ABSENT = 1022, {8, 22, 33, 41, 44}
CLASSES = ["ALG", "ENG", "SCI"]
# Posted in the first quarter, and again after the work was done again.
RETAKEN, RETAKEN_FROM, RETAKEN_TO = 1012, 58, 71
GIVEN = ["Ana", "Ben", "Cleo", "Dev", "Esi", "Finn", "Gia", "Hugo", "Iris", "Jonas"]
FAMILY = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Hazel", "Juniper", "Linden", "Maple"]


class Dice:
    """A small generator of our own (Lehmer), so that no library's change can change the files."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = self.state * 48271 % 0x7FFFFFFF
        return self.state % n


def school_days():
    day = FIRST
    while day <= KNOWN_THROUGH:
        if day.weekday() < 5 and day not in CLOSED:
            yield day
        day += timedelta(days=1)


def students():
    """(number, school, grade, entry): two come late."""
    for at in range(STUDENTS):
        school, _, grades = SCHOOLS[at % 2]
        entry = date(2026, 9, 14) if at in (17, 40) else FIRST
        yield 1001 + at, school, grades[at // 2 % len(grades)], entry


def absences(dice):
    """(number, school, day, code). Every twelfth student is absent about one day in five, the others rarely; one
    reaches the line on the last day."""
    for number, school, _, entry in students():
        often = number % 12 == 5
        for nth, day in enumerate(school_days(), start=1):
            if day < entry:
                continue
            code = roll(dice, often)
            if number == AT_THE_LINE:
                code = "A" if nth in AT_THE_LINE_ABSENT else None
            if code:
                yield number, school, day, code


def roll(dice, often):
    roll = dice.below(1000)
    if roll < (190 if often else 18):
        return "AEAEH"[dice.below(5)]
    return "T" if roll < (220 if often else 45) else None


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\r\n")
        out.writerow(header)
        out.writerows(rows)


def american(day):
    return f"{day.month}/{day.day}/{day.year}"


def roster(folder):
    write(
        folder / "manifest.csv",
        ["propertyName", "value"],
        [["manifest.version", "1.0"], ["oneroster.version", "1.1"]]
        + [[f"file.{name}", "bulk"] for name in ["academicSessions", "classes", "enrollments", "orgs", "users"]],
    )
    write(
        folder / "academicSessions.csv",
        ["sourcedId", "status", "dateLastModified", "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"],
        [["year-2027", "", "", "2026-27", "schoolYear", FIRST, LAST, "", "2027"]],
    )
    write(
        folder / "orgs.csv",
        ["sourcedId", "status", "dateLastModified", "name", "type", "identifier", "parentSourcedId"],
        [["lakeview", "", "", "Lakeview Unified", "district", "", ""]]
        + [[f"school-{number}", "", "", name, "school", number, "lakeview"] for number, name, _ in SCHOOLS],
    )
    write(
        folder / "classes.csv",
        ["sourcedId", "status", "dateLastModified", "title", "grades", "courseSourcedId", "classCode", "classType",
         "location", "schoolSourcedId", "termSourcedIds", "subjects", "subjectCodes", "periods"],
        [[f"homeroom-{number}", "", "", "Homeroom", "", "homeroom", "", "homeroom", "", f"school-{number}", "year-2027", "", "", ""]
         for number, _, _ in SCHOOLS],
    )
    write(
        folder / "users.csv",
        ["sourcedId", "status", "dateLastModified", "enabledUser", "orgSourcedIds", "role", "username", "userIds",
         "givenName", "familyName", "middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"],
        [[f"user-{number}", "", "", "true", f"school-{school}", "student", "", "", GIVEN[number % 10],
          FAMILY[number // 10 % 10], "", number, "", "", "", "", grade, ""]
         for number, school, grade, _ in students()],
    )
    write(
        folder / "enrollments.csv",
        ["sourcedId", "status", "dateLastModified", "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary",
         "beginDate", "endDate"],
        [[f"enrollment-{number}", "", "", f"homeroom-{school}", f"school-{school}", f"user-{number}", "student", "",
          "" if entry == FIRST else entry, ""]
         for number, school, _, entry in students()],
    )


def grades(dice):
    """(number, school, class, grade): the first quarter, as posted on the day before the last that is known. Who is
    absent often has lower ones; a few are not in yet."""
    for number, school, _, _ in students():
        low = number % 12 == 5
        for name in CLASSES:
            grade = dice.below(31) + (45 if low else 68)
            if number == RETAKEN:
                grade = RETAKEN_FROM if name == "ALG" else 80
            yield number, school, f"{name}-{school}", "" if dice.below(40) == 0 else grade


def gradebook(path, rows):
    header = ["Student_Number", "School_ID", "Section", "Term", "Grade_Type", "Percent", "Entered"]
    entered = american(date(2026, 10, 15))
    write(path, header, [[number, school, section, "Q1", "Posted", grade, entered] for number, school, section, grade in rows])


def incidents():
    """(incident, number, school, day, level): one student is referred to the office twice, two are in one incident."""
    yield 5001, 1017, "100", date(2026, 9, 3), "Minor"
    yield 5002, 1025, "100", date(2026, 9, 15), "Major"
    yield 5003, 1030, "200", date(2026, 9, 22), "Major"
    yield 5003, 1044, "200", date(2026, 9, 22), "Minor"
    yield 5004, 1025, "100", date(2026, 10, 8), "OSS"


def discipline(path, rows):
    header = ["Incident", "Student_Number", "School_ID", "Incident_Date", "Level"]
    write(path, header, [[incident, number, school, american(day), level] for incident, number, school, day, level in rows])


def retaken(rows):
    """The next night's file: one grade after the work was done again."""
    algebra = f"ALG-{SCHOOLS[(RETAKEN - 1001) % 2][0]}"
    for number, school, section, grade in rows:
        yield number, school, section, RETAKEN_TO if (number, section) == (RETAKEN, algebra) else grade


def attendance(path, rows):
    header = ["Student_Number", "School_ID", "Att_Date", "Att_Code"]
    write(path, header, [[number, school, american(day), code] for number, school, day, code in rows])


def corrected(rows):
    """The next night's file: the office takes back an absence of Friday and two of one student in September (class
    trips), and Monday is in."""
    trips = {(AT_THE_LINE, KNOWN_THROUGH), (1049, date(2026, 9, 18)), (1049, date(2026, 9, 24))}
    kept = [row for row in rows if (row[0], row[2]) not in trips]
    if len(kept) != len(rows) - len(trips):
        raise ValueError("the corrected days are absences of the first file")
    monday = date(2026, 10, 19)
    return kept + [(1017, "100", monday, "A"), (1030, "200", monday, "E"), (1041, "100", monday, "A")]


def main():
    rows = list(absences(Dice(2023)))
    roster(HERE / "drop" / "sis")
    attendance(HERE / "drop" / "attendance_1016.csv", rows)
    attendance(HERE / "later" / "attendance_1019.csv", corrected(rows))
    posted = list(grades(Dice(77)))
    gradebook(HERE / "drop" / "grades_1016.csv", posted)
    gradebook(HERE / "later" / "grades_1019.csv", retaken(posted))
    discipline(HERE / "drop" / "incidents_1016.csv", incidents())


if __name__ == "__main__":
    main()
