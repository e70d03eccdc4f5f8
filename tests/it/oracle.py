"""An independent reckoning of chronic absence over the Grand Bend sample: standard library only, none of our code.

usage: oracle.py ATTENDANCE.csv ENROLLMENT.csv  ->  one JSON object on standard output

Reads the two exports, lays the sample's school calendar under them, walks every student's school days in date order
with hysteresis (on at 10 % or more from the 20th known day, off strictly below 9 %), and says who is flagged at the
end of the last covered day and why. Fractions are compared as integers.
"""

import csv
import json
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta

ENTER_PERCENT, LEAVE_PERCENT, MIN_DAYS = 10, 9, 20
ABSENT = {"A", "E", "H"}
PRESENT = {"T"}
FIRST, LAST = date(2021, 8, 23), date(2022, 5, 27)
CLOSED = [
    (date(2021, 9, 6), date(2021, 9, 6)),
    (date(2021, 11, 24), date(2021, 11, 26)),
    (date(2021, 12, 18), date(2022, 1, 3)),
    (date(2022, 1, 17), date(2022, 1, 17)),
    (date(2022, 3, 14), date(2022, 3, 18)),
]


def school_days():
    day = FIRST
    while day <= LAST:
        if day.weekday() < 5 and not any(a <= day <= b for a, b in CLOSED):
            yield day
        day += timedelta(days=1)


def us_date(text):
    return datetime.strptime(text, "%m/%d/%Y").date()


def read_attendance(path):
    """(student, school, day) -> set of codes, and the latest day of each school."""
    codes, latest = defaultdict(set), {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day, school = us_date(row["Att_Date"]), row["School_ID"]
            codes[row["Student_Number"], school, day].add(row["Att_Code"])
            latest[school] = max(latest.get(school, day), day)
    return codes, latest


def read_enrollment(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            leaving = us_date(row["Exit_Date"]) if row["Exit_Date"] else LAST
            yield row["Student_Number"], row["School_ID"], us_date(row["Entry_Date"]), leaving


def reckon(student, school, entry, leaving, codes, latest, days):
    absent, expected, flagged = [], 0, False
    year = [day for day in days if entry <= day <= leaving]
    for day in year:
        if school not in latest or day > latest[school]:
            continue
        said = codes.get((student, school, day), {"present"})
        if len(said) > 1 or not said <= ABSENT | PRESENT | {"present"}:
            continue  # rows that disagree, or a code without a meaning: nobody knows
        expected += 1
        if said <= ABSENT:
            absent.append(day)
        if flagged:
            flagged = len(absent) * 100 >= LEAVE_PERCENT * expected
        else:
            flagged = expected >= MIN_DAYS and len(absent) * 100 >= ENTER_PERCENT * expected
    missing = ENTER_PERCENT * len(year) - 100 * len(absent)
    return flagged, {
        "value": f"{len(absent)}/{expected}",
        "days_left": max(0, -(-missing // 100)),
        "dates": [day.isoformat() for day in absent],
    }


def main():
    codes, latest = read_attendance(sys.argv[1])
    days = list(school_days())
    students, flagged = {}, []
    for student, school, entry, leaving in read_enrollment(sys.argv[2]):
        is_flagged, students[student] = reckon(student, school, entry, leaving, codes, latest, days)
        if is_flagged:
            flagged.append(student)
    off_days = sorted(day.isoformat() for _, _, day in codes if day not in set(days))
    json.dump({"days": len(days), "flagged": sorted(flagged), "students": students, "off_days": off_days}, sys.stdout)


if __name__ == "__main__":
    main()
