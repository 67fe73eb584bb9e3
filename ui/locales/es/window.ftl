# Lo que dice la ventana por sí misma. Los nombres son los de `en/window.ftl`.

## Everywhere
adjourn = Adjourn
title = { $what } – Adjourn
help = Ayuda
language = Idioma
theme = Colores
theme-system = Como en este ordenador
theme-light = Claros
theme-dark = Oscuros
caption-size = Tamaño de los subtítulos
size-small = Pequeño
size-usual = Normal
size-large = Grande
size-largest = Muy grande
help-kept = Lo que se dice queda guardado en este ordenador hasta que haya llegado. Una conexión que se corta un momento vuelve sola. Si se apaga el ordenador, abra pronto su enlace otra vez y continuará donde estaba.
help-organiser = Si algo no funciona, avise a la organización que le envió el enlace. El número de su recibo, al final, dice de qué entrevista se trata.
help-host = Su entrevista se envía a { $host }.
help-keys = Teclas
key-mute = Ctrl+M
key-escape = Esc
help-key-space = Hablar mientras se mantiene pulsada, con «pulsar para hablar»
key-space = Barra espaciadora
help-key-mute = Apagar o encender el micrófono
help-key-escape = Cerrar una pregunta; nada termina
about = Adjourn { $version }, software libre con la licencia Apache 2.0. Las licencias de sus componentes vienen con el paquete.
problem-report = Informar de un problema
problem-report-holds = Abajo está todo lo que contendría el archivo: lo que mostró la ventana, cifras, el servidor de la organización y el número de su entrevista. Ningún nombre de persona, ningún código y nada de lo que se dijo.
problem-report-save = Guardar el informe
not-taken = No se ha hecho. Inténtelo otra vez.

## Start
welcome = Le damos la bienvenida
paste-link = Pegue el enlace de su invitación para empezar.
interview-link = Enlace de la entrevista
continue = Continuar
what-it-does = Antes de entrar, puede comprobar su micrófono y su altavoz.

## The host
is-this-your-organiser = ¿Es esta su organización?
new-server = Su enlace lleva a un servidor que no ha usado antes:
only-if-you-know-it = Continúe solo si lo conoce por su invitación. Su voz y sus respuestas se enviarán allí.
no-go-back = No, volver
yes-continue = Sí, continuar

## Device check
about-interview = Sobre esta entrevista
invited-begun = Ya se había empezado y continúa donde estaba.
invited-by = { $organiser } le invita a esta entrevista.
invited-length = { $minutes ->
    [one] Dura un minuto como máximo.
   *[other] Dura { $minutes } minutos como máximo.
}
invited-interviewer = Quien entrevista es una voz automática: hable con ella como con una persona.
need-adjustment = Necesito una adaptación
adjustment-contact = La organización no leerá hasta después de la entrevista lo que escriba aquí. Para que lo sepa a tiempo, dígaselo ahora:
adjustment-no-contact = La organización no leerá hasta después de la entrevista lo que escriba aquí. Para que lo sepa a tiempo, responda al mensaje con el que le invitó.
adjustment-what = ¿Qué necesita?
adjustment-kept = Lo que necesita está guardado en este ordenador. Se enviará con su entrevista.
adjustment-not-kept = Este ordenador no puede guardarlo. Se enviará si entra ahora.
check-your-sound = Compruebe su sonido
check-your-sound-how = Diga unas palabras y reproduzca el sonido de prueba. Puede entrar en cualquier momento.
check-open = Sin comprobar todavía
check-good = Bien
check-warning = Podría ser mejor
check-bad = No funciona
microphone = Micrófono
microphone-level = Nivel del micrófono
loudspeaker = Altavoz o auriculares
loudspeaker-level = Nivel del altavoz
record-sample = Grabarme 3 segundos
recording-sample = Grabando: hable ahora…
playing-sample = Reproduciendo lo que ha dicho…
heard-it = Sí, las he oído
heard-nothing = No
connection = Camino a la sala de la entrevista
try-connection-again = Probar otra vez
play-test-sound = Reproducir sonido de prueba
not-connected = El que usted eligió (no conectado)
sound = Sonido
sound-devices = Micrófono y altavoz
unmute-in-system = Quitar el silencio
unmute-microphone = Quitar el silencio del micrófono
unmute-loudspeaker = Quitar el silencio del altavoz
in-use = En uso ahora: { $device }
done = Listo
look-again = Buscar dispositivos otra vez
other-link = Usar otro enlace
your-voice = Su voz
push-to-talk = Pulsar para hablar: solo se me oye mientras mantengo pulsada la barra espaciadora
stage-echo = Quitar el eco del altavoz
stage-noise = Bajar el ruido
stage-gain = Subir una voz baja
technical-details = Datos técnicos
no-figures = No hay números hasta que se abre un dispositivo.
verdict-open = pendiente
verdict-good = bien
verdict-warning = regular
verdict-bad = mal
join = Entrar en la entrevista
join-waits = Espere al personal, por favor
join-ask-staff = Pregunte al personal, por favor
try-again = Intentar otra vez
system-default = Predeterminado del sistema
system-default-named = Predeterminado del sistema ({ $device })

## Waiting
nobody-comes-minutes = { $minutes ->
        [one] Si no viene nadie en un minuto, esto termina solo.
       *[other] Si no viene nadie en { $minutes } minutos, esto termina solo.
    }
nobody-comes-soon = Si no viene nadie en un minuto más o menos, esto termina solo.
leave = Salir
answer-wait = Quedarme y esperar

## Interview
seconds-reconnecting = { $seconds ->
        [one] Si no vuelve en un segundo, la entrevista termina aquí.
       *[other] Si no vuelve en { $seconds } segundos, la entrevista termina aquí.
    }
seconds-checking = { $seconds ->
        [one] Lo sabremos a más tardar en un segundo.
       *[other] Lo sabremos a más tardar en { $seconds } segundos.
    }
seconds-gone = { $seconds ->
        [one] Si no vuelve nadie en un segundo, la entrevista termina.
       *[other] Si no vuelve nadie en { $seconds } segundos, la entrevista termina.
    }
ends-unanswered = { $seconds ->
        [one] Sin respuesta, la entrevista termina en un segundo.
       *[other] Sin respuesta, la entrevista termina en { $seconds } segundos.
    }
text-size = Tamaño del texto
switch-on = Encendido · Ctrl+M
switch-off = Apagado · Ctrl+M
time-of = { $time } de { $minutes } min
there-is-time = Hay tiempo
newest = Lo último ↓
less-than-a-minute = Queda menos de un minuto.
minutes-left = { $minutes ->
        [one] Queda un minuto más o menos.
       *[other] Quedan unos { $minutes } minutos.
    }
hold-this = Mantener para hablar
end-interview = Terminar la entrevista
conversation = Conversación
you = Usted
interviewer = Entrevistador
nothing-said = Lo que se dice aparece aquí.
it-is-over = Ha terminado
type-instead = Escribir en lugar de hablar
type-answer = Su respuesta
type-send = Enviar
repeat-question = Repetir la pregunta
repeat-words = ¿Podría repetir la pregunta, por favor?

## Ending it
end-it-question = ¿Terminar la entrevista?
end-it-meaning = La entrevista habrá terminado y lo que se dijo se enviará. No podrá volver a ella.
go-on = Seguir con la entrevista
end-it = Terminarla

## Closing the window
close-unsafe-question = ¿Cerrar aunque su entrevista todavía no esté a salvo?
close-unsafe-meaning = Lo que ha dicho no ha llegado a la organización ni está guardado en este ordenador. Si cierra esta ventana ahora, puede perderse.
keep-open = Mantener abierta esta ventana
close-all-the-same = Cerrar de todos modos
close-again = Volver a cerrar la ventana significa «{ $answer }».

## The end
wrapping-up = Terminando…
being-saved = Su entrevista ha terminado y se está guardando.
saving = Guardando
receipt = Recibo
save-copy = Guardar una copia para la organización
save-receipt = Guardar el recibo
microphone-is-off = Apagado
noticed = Advertido aquí
how-we-know = Cómo sabemos que ha terminado
what-becomes-of-it = Qué pasa con su entrevista
sending = Enviando
fact-interview = Entrevista
fact-ended = Fin
fact-length = Duración
close = Cerrar
