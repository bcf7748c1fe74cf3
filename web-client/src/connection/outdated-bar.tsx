/** Says that the gateway has another page by now. Nothing is lost by going on; what is new shows after a reload. */
export function OutdatedBar() {
  return (
    <p class="stale-bar">
      The gateway was updated, and serves a newer page than this one.{" "}
      <button type="button" class="button small" onClick={() => location.reload()}>
        Reload
      </button>
    </p>
  );
}
