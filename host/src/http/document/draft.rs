//! One operation of the document while it is put together: the arguments of its handler say what they take, the answer says
//! what it is. It refuses to know which routes there are.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::failures::FAILURES;
use crate::http::wire::{Count, Fields, Input, Known};

/// What is said of one method of one path so far.
#[derive(Debug)]
pub(in crate::http) struct Draft<'a> {
    schemas: &'a mut SchemaGenerator,
    /// Names in the path that no argument has taken yet, the first one last.
    names: Vec<&'static str>,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// Media types and their schemas, by status.
    answers: BTreeMap<u16, Map<String, Value>>,
    answer_headers: Map<String, Value>,
    fails: BTreeSet<u16>,
}

/// What a handler takes, as the document shows it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say to the document what it takes",
    note = "implement `Argument` beside its extractor, as `http/extract.rs` does"
)]
pub(in crate::http) trait Argument {
    /// Says it.
    fn describe(draft: &mut Draft<'_>);
}

/// What a handler answers, as the document shows it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say to the document what it answers",
    note = "derive `schemars::JsonSchema` beside `Serialize`, or implement `Answered`"
)]
pub(in crate::http) trait Answered {
    /// Says it.
    fn describe(draft: &mut Draft<'_>);
}

impl<T: JsonSchema> Answered for axum::Json<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json::<T>(200);
    }
}

impl<T: Answered, E> Answered for Result<T, E> {
    fn describe(draft: &mut Draft<'_>) {
        T::describe(draft);
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(path: &'static str, schemas: &'a mut SchemaGenerator) -> Self {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut names: Vec<&str> = names.collect();
        names.reverse();
        Self {
            schemas,
            names,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            answer_headers: Map::new(),
            fails: BTreeSet::new(),
        }
    }

    /// The next `{name}` of the path.
    pub(in crate::http) fn path(&mut self, schema: Value) {
        let name = self.names.pop().expect("a handler takes as many names as its path has");
        self.parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }

    /// A header that may be sent.
    pub(in crate::http) fn header(&mut self, name: &str, says: &str, schema: Value) {
        self.parameters.push(json!({ "name": name, "in": "header", "description": says, "schema": schema }));
    }

    /// The keys of the query.
    pub(in crate::http) fn query(&mut self, known: &[Known]) {
        for known in known {
            let mut parameter = json!({ "name": known.key, "in": "query", "schema": known.schema() });
            if known.required {
                parameter["required"] = json!(true);
            }
            if matches!(known.count, Count::Commas(_)) {
                parameter["style"] = json!("form");
                parameter["explode"] = json!(false);
            }
            self.parameters.push(parameter);
        }
    }

    /// A JSON body. One without required keys may be empty, which this format cannot say of a body whose header has to be
    /// there all the same: so it is asked for. A body that names things by their ids may name what is not there.
    pub(in crate::http) fn body<T: Input>(&mut self) {
        let known = Fields::known::<T>();
        let schema = Fields::schema(&known);
        if known.iter().any(|known| known.kind.names_a_thing()) {
            self.fails(&[404]);
        }
        let read = Fields::read::<T>(T::EXAMPLE.as_bytes()).map(drop);
        debug_assert!(read.is_ok(), "the example of {} is refused: {read:?}", std::any::type_name::<T>());
        let example: Value = serde_json::from_str(T::EXAMPLE).expect("it was just read");
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.body = Some(json!({ "required": true, "content": content }));
    }

    /// A body of any type.
    pub(in crate::http) fn any_body(&mut self, bytes_max: usize) {
        let description = format!("The request as the gateway sends it, at most {bytes_max} bytes.");
        self.body = Some(json!({ "description": description, "content": { "*/*": { "schema": {} } } }));
    }

    /// A body of bytes of one type.
    pub(in crate::http) fn bytes_body(&mut self, media_type: &str, bytes_max: usize) {
        let description = format!("At most {bytes_max} bytes.");
        let mut content = Map::new();
        content.insert(media_type.to_owned(), json!({ "schema": {} }));
        self.body = Some(json!({ "description": description, "required": true, "content": content }));
    }

    /// An answer in JSON.
    pub(in crate::http) fn json<T: JsonSchema>(&mut self, status: u16) {
        let schema = self.schemas.subschema_for::<T>().to_value();
        self.content(status, "application/json", json!({ "schema": schema }));
    }

    /// An answer in JSON of whose things the caller chooses the keys: only their ids are always there.
    pub(in crate::http) fn chosen<T: JsonSchema>(&mut self, status: u16) {
        let schema = self.schemas.subschema_for::<T>().to_value();
        let schema = self.loosened(&schema, true);
        self.content(status, "application/json", json!({ "schema": schema }));
    }

    /// The same schema, with copies of the objects that it refers to in which only ids are required. The envelope keeps its
    /// own keys.
    fn loosened(&mut self, schema: &Value, is_envelope: bool) -> Value {
        let mut loose = schema.clone();
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            let object = self.schemas.definitions()[name].clone();
            if object.get("properties").is_none() {
                return loose;
            }
            let copy = format!("Chosen{name}");
            if !self.schemas.definitions().contains_key(&copy) {
                // Named before it is made, in case it refers to itself.
                self.schemas.definitions_mut().insert(copy.clone(), Value::Null);
                let mut object = self.loosened(&object, is_envelope);
                if !is_envelope && let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
                    required.retain(|key| key == "id");
                }
                self.schemas.definitions_mut().insert(copy.clone(), object);
            }
            loose["$ref"] = json!(format!("#/components/schemas/{copy}"));
            return loose;
        }
        match &mut loose {
            Value::Object(parts) => {
                for part in parts.values_mut() {
                    *part = self.loosened(part, false);
                }
            }
            Value::Array(parts) => {
                for part in parts {
                    *part = self.loosened(part, false);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        loose
    }

    /// An answer in plain text.
    pub(in crate::http) fn plain(&mut self, status: u16, text: &str) {
        let schema = json!({ "type": "string", "const": text });
        self.content(status, "text/plain; charset=utf-8", json!({ "schema": schema }));
    }

    /// An answer in a text of another type.
    pub(in crate::http) fn text(&mut self, status: u16, media_type: &str) {
        self.content(status, media_type, json!({ "schema": { "type": "string" } }));
    }

    /// A header that an answer with a result may have.
    pub(in crate::http) fn answer_header(&mut self, name: &str, header: Value) {
        self.answer_headers.insert(name.to_owned(), header);
    }

    /// Statuses of requests without a result; each has to be in [`FAILURES`].
    pub(in crate::http) fn fails(&mut self, statuses: &[u16]) {
        self.fails.extend(statuses);
    }

    fn content(&mut self, status: u16, media_type: &str, value: Value) {
        self.answers.entry(status).or_default().insert(media_type.to_owned(), value);
    }

    /// The Operation Object (OpenAPI 3.1 section 4.8.10), without what the table of routes says.
    pub(super) fn finish(self) -> Map<String, Value> {
        assert!(self.names.is_empty(), "nobody takes {:?} of the path", self.names);
        let mut responses = Map::new();
        for (status, content) in &self.answers {
            let mut content = content.clone();
            let failure = FAILURES.iter().find(|failure| failure.status == *status && self.fails.contains(status));
            if let Some(failure) = failure {
                content.insert("application/json".to_owned(), failure.media_type());
            }
            let says = failure.map_or("Done.", |failure| failure.says);
            let mut response = json!({ "description": says, "content": content });
            if *status < 300 && !self.answer_headers.is_empty() {
                response["headers"] = Value::Object(self.answer_headers.clone());
            }
            responses.insert(status.to_string(), response);
        }
        for status in self.fails.iter().filter(|status| !self.answers.contains_key(status)) {
            let failure = FAILURES.iter().find(|failure| failure.status == *status);
            let failure = failure.unwrap_or_else(|| panic!("{status} is not in `document/failures.rs`"));
            let reference = json!({ "$ref": format!("#/components/responses/{}", failure.name) });
            responses.insert(status.to_string(), reference);
        }
        let mut operation = Map::new();
        if !self.parameters.is_empty() {
            operation.insert("parameters".to_owned(), Value::Array(self.parameters));
        }
        if let Some(body) = self.body {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), Value::Object(responses));
        operation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Envelope {
        things: Vec<Thing>,
        count: u32,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Thing {
        id: String,
        name: String,
        parts: Vec<Thing>,
    }

    #[test]
    fn of_what_is_chosen_only_ids_are_sure() {
        let mut schemas = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .into_generator();
        let mut draft = Draft::new("/things", &mut schemas);
        draft.chosen::<Envelope>(200);
        draft.json::<Envelope>(201);
        let (envelope, thing) = (&schemas.definitions()["ChosenEnvelope"], &schemas.definitions()["ChosenThing"]);
        assert_eq!(envelope["required"], json!(["things", "count"]));
        assert_eq!(envelope["properties"]["things"]["items"]["$ref"], "#/components/schemas/ChosenThing");
        assert_eq!(thing["required"], json!(["id"]));
        assert_eq!(thing["properties"]["parts"]["items"]["$ref"], "#/components/schemas/ChosenThing");
        assert_eq!(schemas.definitions()["Thing"]["required"], json!(["id", "name", "parts"]));
    }
}
