"""How well `llmlint issues classify` agrees with a reader."""
