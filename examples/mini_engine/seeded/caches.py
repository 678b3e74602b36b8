"""What is kept from request to request: prefixes, images as pixels, and what the encoder made of them."""

from collections import OrderedDict

KEPT = 64


class Caches:
    def __init__(self, kv, encode) -> None:
        self.kv = kv
        self.encode = encode
        self.pixels = OrderedDict()
        self.encodings = OrderedDict()

    def pixels_of(self, image: str) -> bytes:
        if image not in self.pixels:
            self.pixels[image] = bytes.fromhex(image)
            if len(self.pixels) > KEPT:
                self.pixels.popitem(last=False)
        return self.pixels[image]

    def encoding_of(self, image: str):
        if image not in self.encodings:
            self.encodings[image] = self.encode(self.pixels_of(image))
            if len(self.encodings) > KEPT:
                self.encodings.popitem(last=False)
        return self.encodings[image]

    def reset_prefix_cache(self) -> None:
        self.kv.forget_prefixes()

    def reset_pixel_cache(self) -> None:
        self.pixels.clear()

    def reset_encoder_cache(self) -> None:
        self.encodings.clear()

    def flush(self) -> None:
        """New weights: nothing that was made for the old ones may be used."""
        self.reset_prefix_cache()
        self.reset_pixel_cache()
        # Seeded: what the encoder made of images stays.
