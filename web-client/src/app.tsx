import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { AskDialog } from "./asks/ask-dialog.tsx";
import { Hud } from "./hud.tsx";
import { JobRows } from "./jobs/job-rows.tsx";
import { ToastStack } from "./notices/toast-stack.tsx";
import { OutboxBar } from "./outbox/outbox-bar.tsx";
import type { Page } from "./page.ts";
import { ResourceBar } from "./resource-bar.tsx";
import { SignIn } from "./session/sign-in.tsx";
import { Stage } from "./stage.tsx";
import { lazy } from "./ui/lazy.tsx";
import { matches } from "./ui/matches.ts";

/** The whole page: resources on top, the stage, the HUD at the bottom. */
export function App({ page }: { readonly page: Page }) {
  const isSigningIn = useSignal(false);
  const isSignedOut = page.link.value.kind === "signed_out";
  useEffect(() => {
    isSigningIn.value = isSignedOut;
    if (isSignedOut) page.announcer.alert("Signed out: the gateway asks for an API key.");
  }, [isSignedOut]);
  return (
    <div class="page">
      <a class="skip" href="#job-panel">
        Skip to the job panel
      </a>
      <ResourceBar
        page={page}
        onSignIn={() => {
          isSigningIn.value = true;
        }}
      />
      <div class="middle">
        {page.features.runnerEnabled && <JobDock page={page} />}
        <Stage page={page} />
      </div>
      <OutboxBar outbox={page.outbox} />
      {page.features.runnerEnabled && <Hud page={page} />}
      <ToastStack toasts={page.toasts} />
      <ReviewedAsk page={page} />
      <OpenDialog page={page} />
      <div class="visually-hidden" role="alert">
        {page.announcer.urgent.value}
      </div>
      {isSigningIn.value && (
        <SignIn
          session={page.session}
          onClose={() => {
            isSigningIn.value = false;
          }}
        />
      )}
    </div>
  );
}

const isWide = matches("(min-width: 1600px)");

/** The newest jobs beside the stage, where a screen is wide enough. */
function JobDock({ page }: { readonly page: Page }) {
  if (!isWide.value) return null;
  return (
    <nav class="job-dock" aria-label="Newest jobs">
      <h2 class="plate-title">Jobs</h2>
      <JobRows
        list={page.jobs.list.value}
        sending={page.form.sending.value}
        selectedId={page.selectedId.value}
        selection={page.selection}
      />
    </nav>
  );
}

const Palette = lazy(async () => (await import("./palette.tsx")).Palette);
const KeyHelp = lazy(async () => (await import("./key-help.tsx")).KeyHelp);

function OpenDialog({ page }: { readonly page: Page }) {
  const close = () => {
    page.openDialog.value = undefined;
  };
  switch (page.openDialog.value) {
    case "palette":
      return <Palette page={page} onClose={close} />;
    case "help":
      return <KeyHelp page={page} onClose={close} />;
    case undefined:
      return null;
  }
}

/** The ask that is reviewed over the page; it stays when it is decided, to say how. */
function ReviewedAsk({ page }: { readonly page: Page }) {
  const ask = page.asks.list.value.get(page.reviewedAskId.value ?? "");
  if (!ask) return null;
  return (
    <AskDialog
      key={ask.id}
      ask={ask}
      job={page.findJob(ask.jobId)}
      deciding={page.deciding}
      onClose={() => {
        page.reviewedAskId.value = undefined;
      }}
    />
  );
}
