/** What stands in for the demo as long as it has no scenes. Nothing is shown that did not happen. */
export function NoDemo() {
  return (
    <main class="welcome">
      <h1>The demo has no scenes yet</h1>
      <p>This page was asked for demo mode, so it does not talk to the gateway.</p>
      <a class="button" href="/?demo=0">
        Go live
      </a>
    </main>
  );
}
