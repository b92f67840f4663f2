//! No arguments: the window; otherwise the command line. The only file that names eframe.
use clap::Parser as _;
use headstart::{
    cli::{self, Args},
    told::told,
};
use std::process::ExitCode;

/// The default allocator maps and faults every large tensor anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_freed_memory();
    prepare_threads();
    let args = Args::parse();
    let ended = match args.command {
        Some(command) => cli::run(command, &args.common),
        None => window(&args.common),
    };
    match ended {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            eprintln!("{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// What one batch frees the next one asks for again: giving it back to the system in between costs a sixth of the time.
fn keep_freed_memory() {
    /// `mi_option_purge_delay` in mimalloc.h; -1 stands for never.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: the option exists, and setting it is an atomic store.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

/// candle reads /proc/cpuinfo at every matrix product unless RAYON_NUM_THREADS is set.
fn prepare_threads() {
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // SAFETY: there is no other thread yet that could read the environment.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
}

#[cfg(not(feature = "window"))]
fn window(_: &cli::Common) -> anyhow::Result<cli::Outcome> {
    anyhow::bail!("This build has no window: see headstart --help for its commands")
}

#[cfg(feature = "window")]
fn window(common: &cli::Common) -> anyhow::Result<cli::Outcome> {
    window::open(cli::home(common)?)?;
    Ok(cli::Outcome::Done)
}

#[cfg(feature = "window")]
mod window {
    //! The workbench in a real window.
    use anyhow::{Result, anyhow};
    use eframe::{Storage, egui};
    use headstart::{
        protocol::{Level, Notice},
        session::{Session, catalog},
        spec::Catalog,
        ui::{
            Action, Settings, Workbench,
            dialogs::{Dialogs, Wanted},
            install,
        },
    };
    use std::path::PathBuf;

    pub fn open(home: PathBuf) -> Result<()> {
        let options = eframe::NativeOptions {
            viewport: egui::ViewportBuilder::default()
                .with_title("Headstart")
                .with_app_id("headstart")
                .with_inner_size([1440.0, 900.0])
                .with_min_inner_size([480.0, 360.0]),
            persistence_path: Some(home.join("window.ron")),
            ..Default::default()
        };
        let opened = eframe::run_native(
            "headstart",
            options,
            Box::new(move |context| Ok(Box::new(App::new(context, home)?))),
        );
        opened.map_err(|error| {
            anyhow!(
                "Could not open a window: {error}\nWithout a screen, use the command line: headstart --help"
            )
        })
    }

    /// Opens the session from a thread of low priority, which the threads that it starts inherit: training takes what
    /// the window leaves, and the window answers at once.
    fn open_in_background(home: PathBuf, ctx: egui::Context) -> Result<Session> {
        let opened = std::thread::spawn(move || {
            #[cfg(target_os = "linux")]
            let _stays_as_it_is = rustix::process::setpriority_process(None, 10);
            rayon::ThreadPoolBuilder::new().build_global()?;
            Session::open(home, move || ctx.request_repaint())
        });
        opened.join().map_err(|_| anyhow!("Could not start the training thread"))?
    }

    struct App {
        session: Option<Session>,
        catalog: Catalog,
        workbench: Workbench,
        dialogs: Dialogs,
    }

    impl App {
        fn new(context: &eframe::CreationContext<'_>, home: PathBuf) -> Result<Self> {
            install(&context.egui_ctx);
            let settings: Option<Settings> =
                context.storage.and_then(|storage| eframe::get_value(storage, eframe::APP_KEY));
            let ctx = context.egui_ctx.clone();
            Ok(Self {
                session: Some(open_in_background(home, ctx)?),
                catalog: catalog(),
                workbench: Workbench::new(settings.unwrap_or_default()),
                dialogs: Dialogs::new(context.egui_ctx.clone()),
            })
        }

        fn perform(&mut self, action: Action) {
            match action {
                Action::Send(command) => {
                    if let Some(session) = &mut self.session {
                        session.send(command);
                    }
                }
                Action::Data(request) => {
                    if let Some(session) = &mut self.session {
                        session.ask(request);
                    }
                }
                Action::OpenFolder(folder) => {
                    if let Err(error) = open::that_detached(&folder) {
                        let text =
                            format!("Could not open the folder: {error}\nFolder: {}", folder.display());
                        self.workbench.notify(Notice { level: Level::Warning, text });
                    }
                }
                Action::Save(Err(text)) => self.workbench.notify(Notice { level: Level::Error, text }),
                asks => Wanted::of(&asks).into_iter().for_each(|wanted| self.dialogs.open(wanted)),
            }
        }
    }

    impl eframe::App for App {
        fn logic(&mut self, _: &egui::Context, _: &mut eframe::Frame) {
            let Some(session) = &mut self.session else { return };
            session.poll();
            for notice in std::mem::take(&mut session.state.notices) {
                self.workbench.notify(notice);
            }
            for ended in self.dialogs.ended() {
                self.workbench.dialog_ended(ended);
            }
        }

        fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
            let Some(session) = &self.session else { return };
            for action in self.workbench.ui(ui, &session.state, &self.catalog) {
                self.perform(action);
            }
        }

        fn save(&mut self, storage: &mut dyn Storage) {
            eframe::set_value(storage, eframe::APP_KEY, &self.workbench.settings);
        }

        fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
            if let Some(session) = self.session.take() {
                session.close();
            }
        }
    }
}
