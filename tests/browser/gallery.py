"""Pages made of every component, with words as real as the ones on duty. For tests only."""

from __future__ import annotations

from datetime import date, timedelta

from django import forms
from django.shortcuts import render
from django.urls import path

from tanggap import urls as real
from tanggap.desk.door import desk
from tanggap.desk.moment import page_now, showing
from tanggap.desk.today import Row, Section

SAID = (
    "Pak tolong jembatan Cikaret putus, anak2 muter 6 kilo!! NIK saya 3201234567890001 "
    "rumah saya pas di sebelahnya"
)


class WriteForm(forms.Form):
    text = forms.CharField(
        label="Isi",
        widget=forms.Textarea,
        help_text="Satu pesan, satu ajakan.",
        initial="Imunisasi campak gratis 24–28 November di semua puskesmas. Bawa buku KIA. "
        "Anak demam? Tunda dulu, tanya bidan. Jadwal lengkap: sukamaju.example/imunisasi",
    )
    openness = forms.ChoiceField(
        label="Keterbukaan",
        choices=[("9", "Berkala (Pasal 9)"), ("10", "Serta-merta (Pasal 10)")],
        widget=forms.RadioSelect,
    )
    account = forms.ChoiceField(label="Akun", choices=[("1", "Mastodon @pemkab")])
    source = forms.CharField(label="Sumber", required=False)
    checked = forms.BooleanField(label="Fakta sudah diperiksa unit", required=False)


def refused_form() -> WriteForm:
    form = WriteForm({"text": "Jadwal vaksin", "account": "1", "openness": "9"})
    form.is_valid()
    form.add_error(
        "text",
        "Teks terlalu pendek.\nWarga tidak tahu tempat dan waktunya.\n"
        "Tambahkan tempat, tanggal, dan apa yang dibawa.",
    )
    return form


@desk("today")
def today(request):
    now = request.now
    urgent = Section(
        "Paling mendesak",
        wide=True,
        href="#",
        link="Semua aduan",
        count=12,
        rows=[
            Row(
                "Jembatan Desa Cikaret putus, anak sekolah memutar 6 km",
                "#1",
                "“…tadi isuk jembatane ambrol, bocah-bocah ora iso mangkat sekolah” · "
                "39 warga lain juga mengalami",
                "JB",
                [("brand", "Pengaduan"), ("", "Dinas PUPR"), ("", "Mastodon · Instagram")],
                now - timedelta(hours=1),
            ),
            Row(
                "Kapan KTP hasil rekam Agustus bisa diambil?",
                "#2",
                "Pertanyaan layanan. Jawaban baku ada, berlaku sampai 31 Desember.",
                "KT",
                [("brand", "Pertanyaan layanan"), ("", "Dukcapil")],
                now + timedelta(hours=2),
            ),
            Row(
                "“Bansos dihapus mulai Desember”",
                "#3",
                "Kabar yang diragukan, dibagikan 212 kali sejak 05.40. Belum ada klarifikasi kita.",
                "HX",
                [("brand", "Hoaks"), ("", "Dinsos")],
                now + timedelta(hours=4),
            ),
            Row(
                "Lampu jalan Jl. Merdeka mati seminggu",
                "#4",
                "Dinas PUPR sudah menjawab dengan foto. Tinggal kabari warga.",
                "PU",
                [("brand", "Pengaduan"), ("done", "Ada bukti")],
                now + timedelta(hours=30),
            ),
        ],
    )
    waiting = Section(
        "Menunggu keputusan Anda",
        count=2,
        rows=[
            Row(
                "Jadwal vaksin campak",
                "#5",
                "Konten · berkala (Pasal 9) · 1 catatan",
                act="Periksa",
            ),
            Row(
                "Perbaikan jembatan sementara",
                "#6",
                "Rekomendasi dari 40 pesan, 3 pilihan",
                act="Putuskan",
            ),
        ],
    )
    posts = Section(
        "Tayang hari ini",
        rows=[
            Row("Dukcapil keliling", "#7", pills=[("done", "Tayang 07.00")]),
            Row("Kuis “Uang Kita”", "#8", pills=[("", "Terjadwal 16.30")]),
        ],
    )
    nothing = Section("Akun resmi", empty="Semua akun tersambung. Pemeriksaan terakhir 08.00 WIB.")
    return render(
        request,
        "desk/today.html",
        {
            "greeting": "Selamat pagi",
            "findings": ["1 laporan lewat batas", "2 jatuh tempo hari ini"],
            "wide": [urgent],
            "narrow": [waiting, posts, nothing],
        },
    )


@desk("today")
def inbox(request):
    return render(
        request,
        "gallery/inbox.html",
        {
            "text": SAID,
            "spans": [(SAID.index("32"), SAID.index(" rumah"), "nik")],
            "at": request.now - timedelta(hours=1),
            "late": request.now - timedelta(hours=1),
            "soon": request.now + timedelta(hours=2),
            "tabs": [
                {"label": "Paling mendesak", "href": "?a", "current": True, "count": 41},
                {"label": "Milik saya", "href": "?b", "count": 9},
                {"label": "Belum ditugaskan", "href": "?c", "count": 14},
            ],
        },
    )


@desk("today")
def compose(request):
    return render(
        request,
        "gallery/compose.html",
        {
            "form": WriteForm(),
            "at": request.now + timedelta(hours=26),
            "tabs": [
                {"label": "Inti pesan", "href": "?a", "current": True},
                {"label": "Mastodon", "href": "?b", "count": 153},
                {"label": "Instagram", "href": "?c"},
                {"label": "WhatsApp", "href": "?d"},
            ],
        },
    )


@desk("today")
def parts(request):
    now = request.now
    first = date(2026, 11, 23)
    days = [
        {
            "date": first + timedelta(days=n),
            "today": n == 0,
            "off": n > 4,
            "why": "Libur" if n > 4 else "",
            "href": "#",
            "slots": []
            if n % 2
            else [
                {
                    "time": "07.00",
                    "title": "Dukcapil keliling",
                    "href": "#",
                    "tone": "done",
                    "state": "Tayang",
                },
                {
                    "time": "16.30",
                    "title": "Kuis “Uang Kita”",
                    "href": "#",
                    "tone": "due",
                    "state": "Menunggu",
                },
            ],
        }
        for n in range(7)
    ]
    return render(
        request,
        "gallery/parts.html",
        {
            "form": refused_form(),
            "missing": None,
            "spans": [(21, 37, "nik")],
            "days": days,
            "now": now,
            "rows": [
                {"label": "Jembatan", "value": 40, "href": "#", "tone": "late"},
                {"label": "Bansos", "value": 31, "href": "#"},
                {"label": "KTP", "value": None, "href": "#"},
            ],
            "points": [
                {"label": f"{hour:02d}.00", "value": value, "low": value - 6, "high": value + 6}
                for hour, value in enumerate([12, 11, 13, 12, 10, -2, -6, -9])
            ],
            "timeline": [
                {"title": "Diterima dari 40 warga", "by": "Sari", "at": now - timedelta(days=1)},
                {
                    "title": "Dilimpahkan ke Dinas PUPR",
                    "by": "Sari",
                    "at": now - timedelta(hours=20),
                },
                {
                    "title": "Petugas di lokasi",
                    "text": "Jembatan darurat dipasang sore ini.",
                    "by": "Pak Wayan",
                    "at": now - timedelta(minutes=12),
                    "tone": "now",
                },
            ],
            "steps": [
                {"title": title, "text": text, "href": "#", "tone": tone, "count": count}
                for title, text, tone, count in [
                    ("Jadwalkan", "konten", "done", 12),
                    ("Tayangkan", "tayang", "done", 11),
                    ("Ukur", "ukuran", "done", 3),
                    ("Dengar", "pesan", "done", 318),
                    ("Jawab", "menunggu", "now", 41),
                    ("Rangkum", "temuan", "", 2),
                    ("Sarankan", "menunggu", "late", 1),
                    ("Umumkan", "belum", "", None),
                ]
            ],
        },
    )


def citizen(request):
    now = page_now()
    with showing(now, "Asia/Jakarta"):
        return render(
            request,
            "gallery/citizen.html",
            {
                "agency": {
                    "slug": "sukamaju",
                    "name": "Pemerintah Kabupaten Sukamaju",
                    "short_name": "Kab. Sukamaju",
                    "contact": "0800 100 200",
                    "website": "https://sukamaju.example",
                },
                "at": now - timedelta(hours=3),
                "due": now + timedelta(days=4),
                "timeline": [
                    {"title": "Laporan kami terima", "at": now - timedelta(days=2)},
                    {
                        "title": "Dinas PUPR memeriksa",
                        "at": now - timedelta(hours=3),
                        "tone": "now",
                    },
                ],
            },
        )


urlpatterns = [
    path("galeri/hari-ini/", today, name="today"),
    path("galeri/pesan/", inbox, name="inbox-gallery"),
    path("galeri/konten/", compose, name="messaging-gallery"),
    path("galeri/bagian/", parts, name="monitoring-gallery"),
    path("galeri/warga/", citizen),
    *real.urlpatterns,
]
