//! No arguments: the window; otherwise the command line. The only file that names eframe.
use clap::Parser as _;
use headstart::cli::{self, Args};
use std::process::ExitCode;

/// The default allocator maps every large tensor again and faults its pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_freed_memory();
    prepare_threads();
    let outcome = match Args::try_parse() {
        Ok(args) => {
            cli::start_log(&args);
            cli::reported(match args.command {
                Some(command) => cli::run(command, &args.common),
                None => window(&args.common),
            })
        }
        Err(usage) => cli::explained(&usage),
    };
    ExitCode::from(outcome.code())
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
fn window(common: &cli::Common) -> anyhow::Result<cli::Outcome> {
    cli::without_a_window(
        "This build of Headstart has no window: it was made with --no-default-features.",
        common,
    )
}

#[cfg(feature = "window")]
fn window(common: &cli::Common) -> anyhow::Result<cli::Outcome> {
    match window::open(cli::home(common)?)? {
        window::Ended::Closed => Ok(cli::Outcome::Done),
        window::Ended::NeverOpened(reason) => cli::without_a_window(&reason, common),
    }
}

#[cfg(feature = "window")]
mod window {
    //! The workbench in a real window.
    use anyhow::{Error, Result, anyhow};
    use eframe::{Storage, egui};
    use headstart::{
        errors::{At as _, message},
        protocol::{About, Level, Notice},
        session::{Session, catalog},
        spec::Catalog,
        ui::{
            Action, Settings, Workbench,
            dialogs::{Dialogs, Wanted},
            install,
        },
    };
    use std::{cell::Cell, path::PathBuf, rc::Rc};

    /// How an attempt to open the window ended.
    pub enum Ended {
        Closed,
        /// Why, and how to get one, in sentences.
        NeverOpened(String),
    }

    /// # Errors
    /// Where the window opened and cannot go on.
    pub fn open(home: PathBuf) -> Result<Ended> {
        if lacks_screen() {
            let reason = "There is no screen for a window here: neither DISPLAY nor WAYLAND_DISPLAY is set. To see the \
                          window, start Headstart on a desktop, or connect with ssh -X.";
            return Ok(Ended::NeverOpened(reason.into()));
        }
        let options = eframe::NativeOptions {
            viewport: egui::ViewportBuilder::default()
                .with_title("Headstart")
                .with_app_id("headstart")
                .with_inner_size([1440.0, 900.0])
                .with_min_inner_size([480.0, 360.0]),
            persistence_path: Some(home.join("window.ron")),
            ..Default::default()
        };
        let has_opened = Rc::new(Cell::new(false));
        let opening = has_opened.clone();
        let ended = eframe::run_native(
            "headstart",
            options,
            Box::new(move |context| {
                opening.set(true);
                Ok(Box::new(App::new(context, home)?))
            }),
        );
        match ended {
            Ok(()) => Ok(Ended::Closed),
            Err(error) if has_opened.get() => Err(anyhow!("The window had to close: {error}")),
            Err(error) => Ok(Ended::NeverOpened(format!(
                "No window can be opened on this screen ({}). README.md lists the libraries that a window needs; on \
                 another computer's screen, connect with ssh -X.",
                reason(&error.to_string())
            ))),
        }
    }

    /// Whether this is a Linux without a screen, as in a container or over SSH.
    fn lacks_screen() -> bool {
        let is_unset = |name: &&str| std::env::var_os(name).is_none_or(|value| value.is_empty());
        cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].iter().all(is_unset)
    }

    /// What winit says without the place in its source: "os error at /path/mod.rs:163: reason".
    fn reason(error: &str) -> &str {
        error
            .split_once(".rs:")
            .and_then(|(_, rest)| rest.split_once(": "))
            .map_or(error, |(_, reason)| reason)
    }

    /// Opens the session from a thread of low priority, which the threads that it starts inherit: training takes what
    /// the window leaves, and the window answers at once.
    fn open_in_background(home: PathBuf, ctx: egui::Context) -> Result<Session> {
        let thread = std::thread::Builder::new().name("opening".into());
        let opened = thread.spawn(move || {
            #[cfg(target_os = "linux")]
            let _stays_as_it_is = rustix::process::setpriority_process(None, 10);
            rayon::ThreadPoolBuilder::new().build_global()?;
            Session::welcome(home, move || ctx.request_repaint())
        })?;
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
                            message(&Error::new(error).context("Could not open the folder").at(&folder));
                        self.workbench.notify(Notice { about: About::Request, level: Level::Warning, text });
                    }
                }
                Action::Save(Err(text)) => {
                    self.workbench.notify(Notice { about: About::Request, level: Level::Error, text })
                }
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
