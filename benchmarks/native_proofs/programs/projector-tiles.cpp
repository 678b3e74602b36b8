// A projector's file (mmproj) for InternVL with fewer tiles at most than at least.
#include "gguf.h"

#include "tools/mtmd/clip.cpp"

#include <cstdio>
#include <exception>

static const char * projector_with(uint32_t least, uint32_t most) {
    gguf_context * file = gguf_init_empty();
    gguf_set_val_bool(file, KEY_HAS_VISION_ENC, true);
    gguf_set_val_str(file, KEY_PROJ_TYPE, "internvl");
    for (const char * key : {KEY_N_EMBD, KEY_N_HEAD, KEY_N_FF, KEY_N_BLOCK, KEY_PROJ_DIM}) {
        gguf_set_val_u32(file, string_format(key, "vision").c_str(), 1);
    }
    gguf_set_val_f32(file, string_format(KEY_LAYER_NORM_EPS, "vision").c_str(), 1e-5f);
    gguf_set_val_u32(file, KEY_IMAGE_SIZE, 448);
    gguf_set_val_u32(file, KEY_PATCH_SIZE, 14);
    const float colours[3] = {};
    gguf_set_arr_data(file, KEY_IMAGE_MEAN, GGUF_TYPE_FLOAT32, colours, 3);
    gguf_set_arr_data(file, KEY_IMAGE_STD, GGUF_TYPE_FLOAT32, colours, 3);
    gguf_set_val_u32(file, KEY_PREPROC_MIN_TILES, least);
    gguf_set_val_u32(file, KEY_PREPROC_MAX_TILES, most);
    gguf_write_to_file(file, "mmproj.gguf", true);
    gguf_free(file);
    return "mmproj.gguf";
}

int main() {
    try {
        clip_model_loader loader(projector_with(12, 1));
        clip_model model;
        loader.load_hparams(model, CLIP_MODALITY_VISION);
    } catch (const std::exception & refused) {  // as clip_init() does
        puts(refused.what());
    }
}
