# Lo que el programa dice a quien se presenta. Los nombres son los de `en/client.ftl`.

## A link, and its host
not-a-link = Esto no es un enlace de entrevista. Debe empezar por adjourn://join. Copie el enlace entero de su invitación.
link-incomplete = El enlace de la entrevista está incompleto (falta { $part ->
        [server] el servidor
       *[code] el código
    }, o está dos veces). Copie el enlace entero de su invitación.
link-bad-server = El enlace de la entrevista nombra el servidor «{ $server }», que no es una dirección web. Copie el enlace entero de su invitación.
link-unencrypted = El enlace de la entrevista lleva a un servidor sin cifrado ({ $host }). Pida a la organización un enlace con https.
link-bad-code = El código del enlace no es válido. Tiene este aspecto: K7QF-9M2X. Copie el enlace entero de su invitación.

## The backend
backend-unreachable = No se puede llegar al servidor de entrevistas { $host }. Compruebe su conexión a internet e inténtelo otra vez.
backend-untrusted = El servidor de entrevistas { $host } no puede demostrar que es el correcto, así que no se le ha enviado nada. Pruebe con otra red o avise a la organización.
backend-unusable = El servidor de entrevistas { $host } no responde bien ({ $detail }). Inténtelo otra vez dentro de un minuto.
code-unknown = { $host } no conoce este código. Compárelo con su invitación.
code-used = Este código ya se usó en otro ordenador o en otra instalación. Pida uno nuevo a la organización.
interview-not-open = Esta entrevista no está abierta ahora. Compruebe la hora en su invitación o pregunte a la organización.
too-many-wrong-codes = Han llegado demasiados códigos equivocados desde aquí. Espere un minuto e inténtelo otra vez.
interview-unknown = El servidor de entrevistas { $host } no sabe nada de esta entrevista. Inténtelo otra vez dentro de un minuto o avise a la organización.
session-refused = El servidor de entrevistas ya no acepta esta sesión.
record-exists = El servidor de entrevistas ya tiene otro informe de esta entrevista (recibo { $receipt }).
record-refused = El servidor de entrevistas rechaza el informe: { $detail }

## What is kept on this computer
journal-unwritable = No se puede escribir el diario de la entrevista { $path } ({ $reason }). Libere espacio en el disco o compruebe los permisos de la carpeta.
already-running = Adjourn ya está abierto en este ordenador. Use su ventana, o ciérrela e inténtelo otra vez.
other-record = Esta entrevista ya tiene un informe, y otro no debe ocupar su lugar.
journal-failed = El diario de la entrevista ha fallado: { $detail }
journal-unreadable = En el diario de la entrevista hay algo ilegible: { $detail }
no-random-numbers = El sistema no da números aleatorios: { $detail }
journal-put-aside = El diario de entrevistas anteriores estaba dañado. Se ha apartado como { $path }. Entregue este archivo a la organización si falta un recibo.
entries-put-aside = { $count ->
        [one] Una línea del diario estaba dañada y se ha apartado.
       *[other] { $count } líneas del diario estaban dañadas y se han apartado.
    } El resto de la entrevista está completo.
report-made-again = Un informe guardado estaba dañado y se ha rehecho a partir del diario de la entrevista.

## Devices
no-microphone = No se ha encontrado ningún micrófono. Conecte uno y elíjalo en la lista.
no-loudspeaker = No se han encontrado altavoces ni auriculares. Conecte unos y elíjalos en la lista.
device-denied = Su ordenador no deja que Adjourn use este dispositivo. Permítalo en los ajustes de privacidad de su ordenador.
device-unusable = Este dispositivo no se puede usar ({ $detail }). Elija otro.
device-away = «{ $device }» no está conectado. Hasta que lo esté, se usa el dispositivo habitual de su ordenador.
device-missing = El dispositivo «{ $device }» no está conectado. Conéctelo o elija otro.
sound-system-silent = El sistema de sonido del ordenador no responde ({ $detail }). Reinicie el ordenador o pida ayuda.
sound-system-hangs = El sistema de sonido del ordenador no responde. Reinicie el ordenador o pida ayuda.
sound-file-unusable = El archivo de sonido { $detail }.

## Joining
settings-unusable = Los ajustes de esta entrevista no sirven: { $detail }. Avise a la organización.
already-ended = Esta entrevista ya ha terminado y no se ha perdido nada. Si cree que es un error, pregunte a la organización.
ended-here = Esta entrevista ya ha terminado en este ordenador. Lo que se dijo está guardado aquí y se está enviando. Si cree que es un error, pregunte a la organización.
join-unanswered = El servidor de la entrevista no responde. Inténtelo otra vez dentro de un minuto; si vuelve a ocurrir, pruebe con otra red o avise a la organización.
room-unreachable = La sala de la entrevista no responde. Inténtelo otra vez dentro de un minuto; si vuelve a ocurrir, pruebe con otra red o avise a la organización.
part-failed = Ha fallado una parte de este programa. Inténtelo otra vez.
room-not-open = La sala de la entrevista no está abierta. Pregunte a la organización si la entrevista sigue prevista.
room-not-there = No hay ninguna sala de entrevista en la dirección que dio el servidor de la organización. Es un error de sus servidores; avise a la organización.
room-closed-while-joining = El servidor de la sala cerró la conexión mientras usted entraba. Inténtelo otra vez dentro de un minuto.
admission-expired = Su permiso de entrada a la sala ha caducado. Inténtelo otra vez y recibirá uno nuevo.
admission-not-yet-valid = La sala todavía no le deja entrar, porque los relojes de los servidores de la organización no coinciden. Inténtelo otra vez dentro de un minuto.
admission-refused = La sala no acepta su permiso de entrada. Es un error de los servidores de la organización; avise a la organización.
room-server-failed = El servidor de la sala tiene un problema y no le ha dejado entrar. Cierre Adjourn en otros ordenadores e inténtelo otra vez, o avise a la organización.
room-address-not-found = No se encuentra la dirección de la sala. Compruebe su conexión a internet e inténtelo otra vez.
room-server-refuses = El servidor de la sala no acepta conexiones en este momento. Inténtelo otra vez dentro de un minuto.
room-server-untrusted = El servidor de la sala no puede demostrar que es el correcto, así que no se le ha enviado nada. Pruebe con otra red o avise a la organización.
room-not-entered = No se ha podido entrar en la sala de la entrevista. Inténtelo otra vez y, si vuelve a ocurrir, avise a la organización.

## Something to know
no-folder = En este ordenador no hay ninguna carpeta en la que guardar su entrevista, porque el usuario no tiene carpeta personal. Inicie Adjourn con --data y una carpeta.
incomplete = Adjourn no está instalado por completo, así que no se puede hacer ninguna entrevista: { $detail }.
another-ends = Adjourn todavía está guardando su última entrevista. Esta ventana continúa enseguida.
one-at-a-time = Ha abierto otro enlace de entrevista. Termine primero esta entrevista, cierre esta ventana y abra el enlace otra vez.
after-this = Ha abierto un enlace de entrevista. Cierre primero esta ventana y abra el enlace otra vez.
nothing-to-copy = Todavía no hay ningún informe que copiar.
copied = Se ha guardado una copia como { $path }. Envíe este archivo a la organización.
receipt-saved = Su recibo se ha guardado como { $path }. Abra ese archivo para leerlo o imprimirlo.
problem-report-saved = El informe se ha guardado como { $path }. Envíe este archivo a quien le ayude.
file-unwritable = No se ha podido guardar el archivo en { $folder } ({ $reason }). Libere espacio en el disco o elija otra carpeta para las descargas.
not-journaled = El disco de este ordenador no admite datos. Su entrevista continúa y se enviará directamente al terminar.
not-typed = Lo que ha escrito no ha llegado al entrevistador. Escríbalo otra vez.
unfinished = Su entrevista se interrumpió. Lo que se dijo está guardado; ahora puede continuarla.
earlier-received = Ha llegado una entrevista anterior. Recibo: { $receipt }
earlier-refused = El servidor de la organización no aceptó una entrevista anterior. Está guardada en este ordenador; avise a la organización.

## What the device check finds
say-a-few-words = Diga unas palabras. Todavía no le oímos.
hear-you = Le oímos.
voice-cut-off = Su voz suena saturada, porque el micrófono está demasiado alto. Bájelo en los ajustes del sistema o aléjese de él.
room-is-loud = Hay mucho ruido a su alrededor. Las palabras dichas en voz baja pueden perderse; es mejor un lugar más tranquilo o unos auriculares con micrófono.
play-the-chime = Reproduzca el sonido de prueba.
did-you-hear-it = ¿Ha oído dos notas suaves?
chime-heard = Aquí oirá a su entrevistador.
chime-not-heard = Suba el volumen del altavoz o elija otro en la lista, y reproduzca el sonido otra vez.
echo-heard = Aquí oirá a su entrevistador, y su micrófono también lo oye. Es mejor usar auriculares; sin ellos, quitamos el eco.
echo-stays = Aquí oirá a su entrevistador, y su micrófono también lo oye. Use auriculares o deje que quitemos el eco en «Su voz».
trying-connection = Probando el camino a la sala de la entrevista. Tarda unos segundos…
connection-good = Se llega bien a la sala de la entrevista ({ $ms } ms de ida y vuelta).
connection-slow = El camino a la sala es lento ({ $ms } ms de ida y vuelta), así que las respuestas llegarán tarde. Puede ayudar un cable en vez de wifi, u otra red.
connection-lossy = El { $percent } % de lo que dice se pierde de camino a la sala. Acérquese al wifi, use un cable o detenga lo demás que use su conexión.
connection-by-tcp = Se llega a la sala, pero su red solo deja pasar el sonido con un rodeo (TCP), y puede entrecortarse. Quizá sea mejor otra red.
connection-not-tried = El camino a la sala no se puede probar desde aquí. Puede entrar de todos modos.

## What goes on
opening-devices = Abriendo el micrófono y el altavoz…
connecting = Conectando con la sala de la entrevista…
reconnecting = La conexión se recupera sola; no tiene que hacer nada. Lo que se dijo está guardado.
person-took-over = El entrevistador se ha detenido. { $person } está en la sala.
long-wait = Está tardando más de lo normal. Puede seguir esperando.
interviewer-soon = Su entrevistador llegará enseguida.
checking-on-interviewer = El entrevistador no responde en este momento. No tiene que hacer nada.
interviewer-gone = No tiene que hacer nada. Esperamos un momento por si vuelve.
muted = El entrevistador no le oye. Encienda el micrófono para responder.
muted-in-system = Su micrófono está silenciado en los ajustes del sistema.
loudspeaker-muted = Su altavoz está silenciado en los ajustes del sistema.
stays-muted = Su micrófono está silenciado en los ajustes del sistema, y eso no se puede cambiar desde aquí. Abra los ajustes de sonido de su ordenador.
loudspeaker-stays-muted = Su altavoz está silenciado en los ajustes del sistema, y eso no se puede cambiar desde aquí. Abra los ajustes de sonido de su ordenador.
loudspeaker-stands = Su altavoz no admite sonido en este momento. Compruebe que está conectado y encendido.
hold-to-talk = Mantenga pulsada la barra espaciadora mientras habla.
microphone-silent = De su micrófono no llega ningún sonido. Compruebe que está conectado y encendido.
listening = El entrevistador le escucha. Tómese el tiempo que necesite.
speaking = Puede responder cuando termine.
about-to-begin = Su entrevistador está a punto de empezar.
goodbye = Esa era la última pregunta. Estamos terminando; no tiene que decir nada más.
microphone-off = Su micrófono está apagado.
room-closed = Estamos preguntando a la organización por qué. No tiene que hacer nada.
another-comes = Otro entrevistador continúa con usted. No tiene que hacer nada.
head-replacing = Se incorpora otro entrevistador
interviewer-replaced = Su entrevistador ha tenido un problema técnico. Se está incorporando otro; lo que usted dijo se conserva. No tiene que hacer nada.
say-hello = Su entrevistador le escucha. Puede saludar.

## The heading over that
head-joining = Entrando
head-waiting = Esperando a su entrevistador
head-greeting = Un momento
head-listening = Le toca a usted
head-speaking = El entrevistador está hablando
head-thinking = El entrevistador está pensando
head-goodbye = El entrevistador se ha despedido
head-checking = Comprobando qué pasa con el entrevistador
head-gone = El entrevistador ha salido de la sala
head-closed = La sala se ha cerrado
head-person = Hay alguien aquí para usted
head-reconnecting = Se ha cortado su conexión
head-muted = Su micrófono está apagado
head-not-heard = El entrevistador no le oye
head-hears-nothing = Usted no oye al entrevistador

## Numbers about sound
figure-microphone = Micrófono: { $device }, { $rate } Hz, { $channels ->
        [one] un canal
       *[other] { $channels } canales
    }, { $buffer } ms de una vez
figure-loudspeaker = Altavoz: { $device }, { $rate } Hz, { $channels ->
        [one] un canal
       *[other] { $channels } canales
    }, { $buffer } ms en espera
figure-capture-lost = Perdido en el micrófono: { $ms } ms
figure-playback-gaps = Huecos en el altavoz: { $count }
figure-playback-skipped = Omitido en el altavoz para ponerse al día: { $ms } ms
figure-clock-drift = Reloj del altavoz frente al del ordenador: { $ppm } ppm
figure-round-trip = A la sala de la entrevista y vuelta: { $ms } ms
figure-sent-lost = Su voz, perdida por el camino: { $percent } %
figure-received-lost = La voz del entrevistador, perdida por el camino: { $percent } %
figure-jitter-buffer = En espera por paquetes tardíos: { $ms } ms
figure-concealed = Reconstruido por lo perdido: { $percent } %

## What is asked
ask-going-on = ¿Sigue su entrevista?
ask-over = ¿Ha terminado su entrevista?
why-asked-silent = El entrevistador lleva un rato sin decir nada. Puede seguir esperando o terminar la entrevista; lo que se dijo hasta ahora está guardado.
why-asked-over = Parece que el entrevistador ha terminado la entrevista. Si ha terminado, no tiene que hacer nada.
why-asked-closed = El entrevistador está conectado pero no responde. Quizá haya terminado la entrevista o necesite un momento. Si ha terminado, no tiene que hacer nada.
why-asked-person = El entrevistador se ha detenido. { $person } está en la sala.
why-asked-somebody = El entrevistador se ha detenido. Hay otra persona en la sala.
answer-keep-waiting = Seguir esperando
answer-going-on = Todavía sigue

## The end
end-finished = Su entrevista está completa
end-by-you = Usted ha terminado la entrevista
end-never-started = La entrevista no empezó
end-connection-lost = Se perdió la conexión
end-ended = La entrevista ha terminado
end-closed = La entrevista se ha cerrado
end-elsewhere = La entrevista continúa en otro lugar
end-time-over = Se acabó el tiempo de la entrevista
end-interrupted = La entrevista se interrumpió
because-finished = El entrevistador terminó la entrevista.
because-full-time = Se usó todo el tiempo de la entrevista.
because-of-you = Usted decidió terminar la entrevista.
because-nobody-came = No había ningún entrevistador disponible.
because-connection-lost = Se perdió la conexión con la sala de la entrevista, y no volvió.
because-room-restarted = La sala de la entrevista se reinició y su entrevistador no volvió.
because-turned-away = Los servidores de la organización dejaron de funcionar bien: su ordenador llegó a ellos, y no lo dejaron entrar otra vez en la sala. No fue su ordenador ni su conexión a internet.
because-session-closed = El entrevistador cerró la entrevista.
because-interviewer-left = El entrevistador salió de la sala.
because-room-closed = La sala de la entrevista se cerró.
because-organiser-closed = La organización cerró la entrevista.
because-elsewhere = Su entrevista se abrió otra vez en otro lugar: en otro ordenador, o aquí por segunda vez.
because-no-answer = No se dijo nada durante varios minutos.
because-time-limit = El tiempo se acabó mientras usted esperaba al entrevistador.
because-closed-here = Adjourn se cerró.
because-interviewer-lost = Se perdió la conexión con el entrevistador.
because-interviewer-silent = El entrevistador dejó de responder.
because-interviewer-failed = El entrevistador tuvo un problema técnico.
because-removed = Se le sacó de la sala de la entrevista.
because-part-failed = Este programa tuvo un problema técnico.
next-nothing = No tiene que hacer nada más.
next-organiser = La organización puede ver qué pasó y le dirá cómo sigue. Indique el número de su recibo cuando pregunte.
next-ask-organiser = Pregunte a la organización cómo sigue.
next-try-again = No fue culpa suya. Abra su enlace otra vez para volver a intentarlo. Si no se abre, pida otra cita a la organización.
next-elsewhere = Continúe allí.
sign-end-tool = El entrevistador terminó la entrevista
sign-end-tool-began = El entrevistador empezó a terminar la entrevista
sign-task-done = El entrevistador dijo que su tarea está hecha
sign-report = El informe del entrevistador dice que la entrevista se completó
sign-end-marker = El entrevistador dijo que la entrevista ha terminado
sign-organiser = La organización terminó la entrevista
sign-full-time = Se usó todo el tiempo de la entrevista
sign-session-answered = Última respuesta de la sesión del entrevistador
sign-program-answered = Última respuesta del programa del entrevistador
sign-received = Lo último recibido de la sala de la entrevista
confirmed = El informe del entrevistador ha llegado y lo confirma: la entrevista se completó.

## What becomes of it: this alone says whether the window may be closed
fate-saving = Mantenga abierta esta ventana un momento: su entrevista se está guardando.
fate-sending = Su entrevista está guardada en este ordenador y se está enviando. Mantenga abierta esta ventana un momento.
fate-saved = Su entrevista está guardada en este ordenador y todavía no ha llegado. Puede cerrar esta ventana. Abra Adjourn otra vez en este ordenador cuando tenga conexión a internet, y su entrevista se enviará.
fate-parked = Su entrevista está guardada en este ordenador, pero el servidor de la organización no la acepta. Guarde una copia y envíela a la organización. Después puede cerrar esta ventana.
fate-unsaved = Mantenga abierta esta ventana. La única copia está en esta ventana, y seguimos intentando enviarla. Para mayor seguridad, guarde una copia para la organización.
fate-refused = Mantenga abierta esta ventana hasta que tenga una copia: contiene la única, y el servidor de la organización no la acepta. Guarde una copia y envíela a la organización.
fate-received = Su entrevista ha llegado y hemos comprobado el recibo. Puede cerrar esta ventana.
fate-received-here = Lo que se dijo aquí ha llegado y hemos comprobado el recibo. Puede cerrar esta ventana.
fate-never-telling = Estamos diciendo a la organización que su entrevista no empezó. Mantenga abierta esta ventana un momento.
fate-never-later = Todavía no se ha podido decir a la organización que su entrevista no empezó. No se ha perdido nada. Puede cerrar esta ventana.
fate-never-untold = No se ha podido decir al servidor de la organización que su entrevista no empezó. Avise a la organización. Puede cerrar esta ventana.
fate-never-told = La organización sabe que su entrevista no empezó. Puede cerrar esta ventana.

## Said elsewhere than on the page (elsewhere.json): a receipt's own page, and where there is no page
receipt-title = Recibo { $receipt }
receipt-meaning = { $host } confirma que el registro de esta entrevista ha llegado. Conserve esta página: es su comprobante.
receipt-title-of = Título
receipt-organiser = Servidor de la organización
receipt-outcome = Cómo terminó
receipt-ended = Terminada
receipt-received = Recibida
receipt-number = Recibo
receipt-proof = Para quien lo compruebe: el recibo está firmado con la clave que se indica aquí, y la suma de verificación (SHA-256) es la del registro tal como se envió.
receipt-square = El recibo firmado, para un teléfono
receipt-record-id = Registro
receipt-digest = Suma de verificación (SHA-256)
receipt-key = Clave
receipt-signed = Recibo firmado
page-gone = Esta ventana no puede mostrar nada en este momento y lo sigue intentando. Una entrevista que ya ha empezado continúa: escuche y hable como hasta ahora. Si cierra la ventana, termina; lo que se dijo se guarda y se envía lo antes posible.
no-webview = Adjourn necesita el WebView2 Runtime de Microsoft para mostrar su ventana, y este ordenador no lo tiene. Instale «Evergreen Bootstrapper» desde developer.microsoft.com/microsoft-edge/webview2 y abra Adjourn de nuevo. No se ha perdido nada.
