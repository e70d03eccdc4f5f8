use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person took a flag on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub flag_id: Uuid,
    /// Who: the name the person gave.
    #[schemars(extend("x-ndpa" = "None", "x-data-class" = "operational"))]
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ndpa" = "Conduct", "x-data-class" = "education_record"))]
    pub reason: Option<String>,
}
