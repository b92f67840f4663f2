//! Draws the window on the CPU.
use egui::epaint::{ImageData, Primitive};
use headstart::ui::raster::{Canvas, Texture};
use std::collections::HashMap;

#[derive(Default)]
pub struct CpuRenderer {
    textures: HashMap<egui::TextureId, Texture>,
}

impl egui_kittest::TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        for (id, deltas) in delta.set.drain() {
            for delta in deltas {
                let ImageData::Color(image) = &delta.image;
                let Some(at) = delta.pos else {
                    let nearest = delta.options.magnification == egui::TextureFilter::Nearest;
                    self.textures.insert(id, Texture::new(image, nearest));
                    continue;
                };
                self.textures
                    .get_mut(&id)
                    .expect("a part of a texture that was never made")
                    .update(at, image);
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<image::RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        let mut canvas = Canvas::new(width, height);
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            if let Primitive::Mesh(mesh) = &primitive.primitive
                && let Some(texture) = self.textures.get(&mesh.texture_id)
            {
                canvas.draw(mesh, texture, primitive.clip_rect, scale);
            }
        }
        image::RgbaImage::from_raw(width as u32, height as u32, canvas.bytes())
            .ok_or_else(|| "no picture".into())
    }
}
