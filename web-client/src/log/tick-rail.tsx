import { useLayoutEffect, useRef } from "preact/hooks";

/** Marks beside the scrollbar where matches are. */
export function TickRail({ ticks }: { readonly ticks: Uint8Array }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    context.clearRect(0, 0, element.width, element.height);
    context.fillStyle = getComputedStyle(element).color;
    ticks.forEach((isOn, at) => {
      if (isOn) context.fillRect(0, at, element.width, 1);
    });
  }, [ticks]);
  return (
    <div class="log-ticks" aria-hidden="true">
      <canvas ref={canvas} width={1} height={ticks.length} />
    </div>
  );
}
