//! Which microphones and loudspeakers there are.

use adjourn_audio::{Device, Devices};

/// The devices as text, the system's default of each kind marked.
///
/// # Errors
/// The sound system does not answer.
pub fn text() -> anyhow::Result<String> {
    Ok(list(&adjourn_audio::devices()?))
}

fn list(devices: &Devices) -> String {
    [kind("microphones", &devices.inputs), kind("loudspeakers", &devices.outputs)].concat()
}

fn kind(name: &str, devices: &[Device]) -> String {
    let mut text = format!("{name}:\n");
    if devices.is_empty() {
        text += "  none\n";
    }
    for device in devices {
        let mark = if device.default { '*' } else { ' ' };
        text += &format!("{mark} {}  ({})\n", device.name, device.id);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_marked_and_nothing_is_said_to_be_nothing() {
        let device = |id: &str, default| Device {
            id: id.to_owned(),
            name: format!("The {id}"),
            default,
            ..Device::default()
        };
        let devices = Devices { inputs: vec![device("a", false), device("b", true)], outputs: vec![] };
        assert_eq!(list(&devices), "microphones:\n  The a  (a)\n* The b  (b)\nloudspeakers:\n  none\n");
    }
}
