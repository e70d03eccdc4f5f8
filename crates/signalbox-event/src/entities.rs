//! The list of entities: one line each. Whatever has one part per entity (rows, events, their kinds) is made of it.

/// Hands the list to another macro, in brackets before what else that is given. A line names the file, the entity, the kind of
/// its events, its row and its event's data, its number in stores (never used again), its name, its topic and its data class.
macro_rules! entities {
    ($then:ident! { $($own:tt)* }) => {
        $then! {
            [
                /// A school (OneRoster `org` of type school).
                school: School, ReferenceSchool(SchoolRow, School) = 1, "reference.school", Reference, Operational;
                /// A student of the roster (OneRoster `user` with role student).
                student: Student, RosterStudent(StudentRow, Student) = 2, "roster.student", Roster, EducationRecord;
                /// A student's enrolment at a school (Ed-Fi `studentSchoolAssociation`, OneRoster `enrollment`).
                enrollment: Enrollment, RosterEnrollment(EnrollmentRow, Enrollment) = 3, "roster.enrollment", Roster, EducationRecord;
                /// A student's day at a school (Ed-Fi `studentSchoolAttendanceEvent`).
                attendance: Attendance, AttendanceDaily(AttendanceRow, AttendanceDaily) = 4, "attendance.daily", Attendance, EducationRecord;
                /// A student's grade in a class for a term (Ed-Fi `grade`).
                course_grade: CourseGrade, GradebookCourseGrade(CourseGradeRow, CourseGrade) = 5, "gradebook.course_grade", Gradebook, EducationRecord;
                /// A student's part in a discipline incident (Ed-Fi `studentDisciplineIncidentBehaviorAssociation`).
                incident: Incident, BehaviorIncident(IncidentRow, Incident) = 6, "behavior.incident", Behavior, Sensitive;
            ]
            $($own)*
        }
    };
}
