//! What is asked of CloudFormation, and what it tells of stacks.

use crate::Str;
use crate::query::Fault;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// All stacks, or one by name or id.
    DescribeStacks(Option<Str>),
    /// What happened to a stack, the latest first.
    DescribeStackEvents(Str),
    /// One resource of a stack, by its logical id.
    DescribeStackResource(Str, Str),
    /// The resources of a stack, or one by its logical id.
    DescribeStackResources(Str, Option<Str>),
    /// Stacks that have one of these statuses; all if there are none.
    ListStacks(Vec<Str>),
    /// A stack, with its parameters.
    CreateStack(Create),
    /// Other parameters for a stack.
    UpdateStack(Update),
    /// The end of a stack.
    DeleteStack(Str),
}

impl Request {
    /// The name of the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::DescribeStacks(_) => "DescribeStacks",
            Self::DescribeStackEvents(_) => "DescribeStackEvents",
            Self::DescribeStackResource(..) => "DescribeStackResource",
            Self::DescribeStackResources(..) => "DescribeStackResources",
            Self::ListStacks(_) => "ListStacks",
            Self::CreateStack(_) => "CreateStack",
            Self::UpdateStack(_) => "UpdateStack",
            Self::DeleteStack(_) => "DeleteStack",
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        !matches!(self, Self::CreateStack(_) | Self::UpdateStack(_) | Self::DeleteStack(_))
    }
}

/// A new stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Its name.
    pub name: Str,
    /// Keys, each with its value.
    pub parameters: Vec<(Str, Str)>,
}

/// A change of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Name or id of the stack.
    pub stack: Str,
    /// Keys, each with its new value; without one, it keeps the value it has.
    pub parameters: Vec<(Str, Option<Str>)>,
}

/// A parameter of a stack, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The key.
    pub key: Str,
    /// The value.
    pub value: String,
}

/// What a stack or a resource is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is coming to be.
    CreateInProgress,
    /// It could not come to be, or not wholly.
    CreateFailed,
    /// It is there as it was made.
    CreateComplete,
    /// It is changing.
    UpdateInProgress,
    /// It has changed.
    UpdateComplete,
    /// It could not change, or not wholly.
    UpdateFailed,
    /// It is going.
    DeleteInProgress,
    /// It is gone.
    DeleteComplete,
    /// It could not go, or not wholly.
    DeleteFailed,
}

impl Status {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateFailed => "CREATE_FAILED",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::DeleteComplete => "DELETE_COMPLETE",
            Self::DeleteFailed => "DELETE_FAILED",
        }
    }

    /// Whether something is under way.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::CreateInProgress | Self::UpdateInProgress | Self::DeleteInProgress)
    }
}

/// A stack. Times are ISO 8601.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub id: Str,
    /// Its name.
    pub name: Str,
    /// What it is for.
    pub description: &'static str,
    /// What it is made with.
    pub parameters: Vec<Parameter>,
    /// When it came to be.
    pub created: String,
    /// When it was last changed.
    pub updated: Option<String>,
    /// When it ended.
    pub deleted: Option<String>,
    /// What it is at.
    pub status: Status,
    /// Why, if there is more to say.
    pub reason: Option<String>,
}

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The stack's name and ARN.
    pub stack: (Str, Str),
    /// Its name in the template.
    pub logical: &'static str,
    /// What it is called otherwise.
    pub physical: Str,
    /// Its type.
    pub kind: &'static str,
    /// When it last changed, ISO 8601.
    pub at: String,
    /// What it is at.
    pub status: Status,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: Str,
    /// To what, when, and what it came to be.
    pub resource: Resource,
    /// Why, if there is more to say.
    pub reason: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To `DescribeStacks`.
    Stacks(Vec<Stack>),
    /// To `DescribeStackEvents`.
    Events(Vec<Event>),
    /// To `DescribeStackResource`.
    Resource(Resource),
    /// To `DescribeStackResources`.
    Resources(Vec<Resource>),
    /// To `ListStacks`.
    Summaries(Vec<Stack>),
    /// To `CreateStack`: the ARN of the stack.
    Creating(Str),
    /// To `UpdateStack`: the ARN of the stack.
    Updating(Str),
    /// To `DeleteStack`.
    Deleting,
}

/// The error for whatever a stack cannot do.
pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

/// The error for a stack that is not there, in CloudFormation's own words, which programs look for.
pub fn does_not_exist(stack: &str) -> Fault {
    invalid(format!("Stack with id {stack} does not exist"))
}
