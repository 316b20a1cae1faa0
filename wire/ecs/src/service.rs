//! What the smaller services share: a closed list of operations, each with its request and its response.

/// Declares `Request` and `Response` of a service.
macro_rules! operations {
    ($service:literal, $refuse:path, $error:ty; $($operation:ident($request:ty) -> $response:ty,)*) => {
        #[doc = concat!("A request to ", $service, ".")]
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[expect(missing_docs, reason = "each variant is the operation of that name in the API reference")]
        pub enum Request {
            $($operation(Box<$request>),)*
        }

        impl Request {
            /// The names of all operations.
            pub const OPERATIONS: &'static [&'static str] = &[$(stringify!($operation),)*];

            /// Reads the JSON body of a request for `operation`.
            ///
            /// # Errors
            /// A serialization error when the body is not JSON or a member has the wrong type (the message names
            /// the member), an unknown operation when it is not served.
            pub fn parse(operation: &str, body: &[u8]) -> Result<Self, $error> {
                match operation {
                    $(stringify!($operation) => {
                        Ok(Self::$operation(Box::new($crate::request::read(body)?)))
                    })*
                    other => Err($refuse(other)),
                }
            }

            /// The name of the operation.
            pub fn operation(&self) -> &'static str {
                match self {
                    $(Self::$operation(_) => stringify!($operation),)*
                }
            }
        }

        #[doc = concat!("An answer of ", $service, ".")]
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "each variant is the operation of that name in the API reference")]
        pub enum Response {
            $($operation($response),)*
        }

        impl Response {
            /// The name of the operation that it answers.
            pub fn operation(&self) -> &'static str {
                match self {
                    $(Self::$operation(_) => stringify!($operation),)*
                }
            }

            /// The body, as JSON.
            pub fn to_json(&self) -> Vec<u8> {
                serde_json::to_vec(self).expect("shapes are text, numbers, lists and maps with text for keys")
            }
        }
    };
}
pub(crate) use operations;
