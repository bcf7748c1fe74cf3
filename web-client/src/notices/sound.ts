import type { NoticeKind } from "../settings/settings.ts";

/** Each kind sounds different: high for what needs somebody, low for what broke. */
const tones: Record<NoticeKind, readonly number[]> = {
  asks: [880, 1_175],
  failures: [330, 247],
  ends: [660],
  runners: [440, 440],
};

const toneS = 0.12;

/** Plays a few soft tones. */
export function playSound(kind: NoticeKind): void {
  const audio = new AudioContext();
  const volume = audio.createGain();
  volume.gain.value = 0.08;
  volume.connect(audio.destination);
  tones[kind].forEach((hertz, index) => {
    const tone = audio.createOscillator();
    tone.frequency.value = hertz;
    tone.connect(volume);
    tone.start(audio.currentTime + index * toneS);
    tone.stop(audio.currentTime + (index + 1) * toneS);
    if (index === tones[kind].length - 1) tone.onended = () => void audio.close();
  });
}
