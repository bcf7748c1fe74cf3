/** A button of the bar; its title says the key that does the same. */
export function Action(props: {
  readonly title: string;
  readonly keys?: string;
  readonly isPressed?: boolean;
  readonly isDisabled?: boolean;
  readonly onPress: () => void;
}) {
  return (
    <button
      type="button"
      class="button small"
      title={props.keys ? `${props.title} (${props.keys})` : props.title}
      {...(props.isPressed === undefined ? {} : { "aria-pressed": props.isPressed })}
      disabled={props.isDisabled ?? false}
      onClick={props.onPress}
    >
      {props.title}
    </button>
  );
}
