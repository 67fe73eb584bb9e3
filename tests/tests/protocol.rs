//! The hand-kept protocol files match what the pinned library and agents really speak.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may stop where it stands"
)]

use std::collections::HashMap;
use std::path::Path;

use adjourn_testbed::Tools;
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto};

/// The serialized descriptor inside a generated Python module, read as text.
fn descriptor(module: &Path) -> FileDescriptorProto {
    let text = std::fs::read_to_string(module).unwrap_or_else(|e| panic!("{}: {e}", module.display()));
    let start = text.find("AddSerializedFile(b").expect("a descriptor") + "AddSerializedFile(b".len();
    let quote = text.as_bytes()[start];
    let mut bytes = Vec::new();
    let mut rest = text[start + 1..].bytes();
    loop {
        match rest.next().unwrap() {
            b if b == quote => break,
            b'\\' => match rest.next().unwrap() {
                b'n' => bytes.push(b'\n'),
                b'r' => bytes.push(b'\r'),
                b't' => bytes.push(b'\t'),
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                first @ b'0'..=b'7' => {
                    // Octal escapes of protobuf's generator have one to three digits.
                    let mut value = u32::from(first - b'0');
                    let mut ahead = rest.clone();
                    for _ in 0..2 {
                        match ahead.next() {
                            Some(digit @ b'0'..=b'7') => {
                                value = value * 8 + u32::from(digit - b'0');
                                rest.next();
                            }
                            _ => break,
                        }
                    }
                    bytes.push(u8::try_from(value).unwrap());
                }
                other => bytes.push(other),
            },
            b => bytes.push(b),
        }
    }
    FileDescriptorProto::decode(&bytes[..]).unwrap()
}

type Fields = HashMap<String, (i32, i32, i32, String)>;

/// Every field of every message by its full name: number, label, type, and the named type's last part.
fn fields(prefix: &str, messages: &[DescriptorProto], into: &mut Fields) {
    for message in messages {
        let name = format!("{prefix}.{}", message.name());
        for field in &message.field {
            let named = field.type_name().rsplit('.').next().unwrap_or_default().to_owned();
            into.insert(
                format!("{name}.{}", field.name()),
                (field.number(), field.label.unwrap_or_default(), field.r#type.unwrap_or_default(), named),
            );
        }
        fields(&name, &message.nested_type, into);
    }
}

/// Fields of livekit/protocol 1.54.0 that nothing installable has yet; as soon as it has them, they are compared.
const LATER: [&str; 3] = [
    ".AgentSessionEvent.SessionClosed.reason",
    ".AgentSessionEvent.amd_completed",
    ".AgentSessionEvent.session_closed",
];

fn compare(own: &Path, name: &str, real: Vec<FileDescriptorProto>) {
    let mut known = Fields::new();
    for file in &real {
        fields("", &file.message_type, &mut known);
    }
    let mut ours = Fields::new();
    let compiled = protox::compile([name], [own]).unwrap();
    for file in &compiled.file {
        fields("", &file.message_type, &mut ours);
    }
    let mut wrong: Vec<_> = ours
        .iter()
        .filter(|(field, _)| known.contains_key(*field) || !LATER.contains(&field.as_str()))
        .filter(|(field, shape)| known.get(*field) != Some(shape))
        .map(|(field, shape)| format!("{field}: ours {shape:?}, theirs {:?}", known.get(field)))
        .collect();
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ours.len() > 30, "only {} fields were compared", ours.len());
}

#[test]
fn the_librarys_protocol_is_the_wheels() {
    let tools = Tools::find().unwrap();
    let folder = tools.library.parent().unwrap().parent().unwrap().join("_proto");
    let real =
        ["handle", "ffi", "room", "participant", "track", "audio_frame", "data_stream", "rpc", "stats"]
            .map(|part| descriptor(&folder.join(format!("{part}_pb2.py"))));
    compare(&tools.root.join("crates/livekit-dylib/proto"), "livekit_ffi.proto", real.to_vec());
}

#[test]
fn the_session_protocol_is_the_agents() {
    let tools = Tools::find().unwrap();
    let library = tools.agent_python.parent().unwrap().parent().unwrap().join("lib");
    let python = std::fs::read_dir(library).unwrap().next().unwrap().unwrap().path();
    let module = python.join("site-packages/livekit/protocol/agent_pb/agent_session.py");
    compare(&tools.root.join("crates/room/proto"), "agent_session.proto", vec![descriptor(&module)]);
}
