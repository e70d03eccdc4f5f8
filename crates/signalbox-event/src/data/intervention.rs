use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person took a flag on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// The flag, as its `risk.flag.raised` names it.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub flag_id: Uuid,
    /// Who: the name the person gave.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub by: String,
    /// Why, in the person's own words. Free text about a student: no schedule of data elements foresees what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Other", "x-data-class" = "education_record"))]
    pub reason: Option<String>,
}
