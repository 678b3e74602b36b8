"""What the probes of one family share: how the thing is watched and when it counts as seen."""
